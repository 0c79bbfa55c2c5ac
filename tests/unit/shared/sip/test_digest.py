"""Digest: the RFC's own vectors, and how often we answer."""

import hashlib

import pytest

from shared.sip.digest import Authenticator, Challenge, Credentials, authorization, challenges
from shared.sip.headers import CSeq, NameAddr, Via
from shared.sip.message import Response
from shared.sip.uri import SipUri

_RFC_7616 = Challenge(
    answered_in="Authorization",
    realm="http-auth@example.org",
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    qop_auth=True,
)
_MUFASA = Credentials(username="Mufasa", password="Circle of Life")


def _refused(*values: str, status: int = 401, name: str = "WWW-Authenticate") -> Response:
    us = NameAddr(uri=SipUri(host="h"))
    return Response(
        status=status,
        reason="",
        vias=(Via(host="h"),),
        sender=us,
        to=us,
        call_id="c",
        cseq=CSeq(1, "INVITE"),
        headers=tuple((name, value) for value in values),
    )


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, expected: str) -> None:
    """3.9.1: the response to the RFC's challenge is the RFC's."""
    challenge = Challenge(
        **{**{s: getattr(_RFC_7616, s) for s in Challenge.__slots__}, "algorithm": algorithm}
    )
    value = authorization(
        challenge,
        _MUFASA,
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        count=1,
    )
    assert f'response="{expected}"' in value
    assert "qop=auth, nc=00000001" in value
    assert f"algorithm={algorithm}" in value


def test_a_session_key_is_made_of_nonce_and_cnonce() -> None:
    """MD5-sess hashes the secret with both (RFC 7616, 3.4.2), and says its cnonce even without qop."""
    challenge = Challenge(answered_in="Authorization", realm="r", nonce="n", algorithm="MD5-sess")
    value = authorization(challenge, _MUFASA, method="BYE", uri="sip:h", cnonce="x", count=1)

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    secret = md5(md5("Mufasa:r:Circle of Life") + ":n:x")
    assert f'response="{md5(secret + ":n:" + md5("BYE:sip:h"))}"' in value
    assert 'cnonce="x"' in value


def test_without_qop_the_older_form_is_used() -> None:
    """RFC 2617, 3.2.2.1's form: no nc, no cnonce."""
    challenge = Challenge(answered_in="Authorization", realm="r", nonce="n")
    value = authorization(challenge, _MUFASA, method="BYE", uri="sip:h", cnonce="x", count=1)
    assert "nc=" not in value
    assert "cnonce" not in value


@pytest.mark.parametrize(
    ("values", "algorithms"),
    [
        (('Digest realm="a, b", nonce="n", qop="auth,auth-int", algorithm=MD5',), ["MD5"]),
        (
            (
                'Digest realm="a", nonce="n", algorithm=SHA-512, qop="auth"',
                'Digest realm="a", nonce="n", algorithm=SHA-256',
                'digest nonce="n",realm="a"',
            ),
            ["SHA-256", None],
        ),
        (
            (
                'Basic realm="a"',
                'Digest realm="a"',
                'Digest realm="a", nonce="n", qop="auth-int"',
                "Digest a",
                "Digest ",
            ),
            [],
        ),
        (('Digest realm="a", nonce="n", algorithm="MD5\\", x=1"',), []),
    ],
)
def test_only_what_we_can_answer_is_a_challenge(
    values: tuple[str, ...], algorithms: list[str | None]
) -> None:
    """Other schemes, unknown algorithms and broken challenges are skipped; the server's order is kept."""
    assert [challenge.algorithm for challenge in challenges(_refused(*values))] == algorithms
    assert challenges(_refused(*values, status=403)) == []


def test_each_realm_is_answered_once_and_a_stale_nonce_exchanged_once() -> None:
    """A proxy and the far end may each ask; a wrong password is not tried again."""
    auth = Authenticator(_MUFASA)
    assert auth.headers("INVITE", "sip:h", "x") == ()
    assert auth.learn(_refused('Digest realm="a", nonce="1"'))
    assert auth.learn(_refused('Digest realm="b", nonce="1"', status=407, name="Proxy-Authenticate"))
    assert [name for name, _ in auth.headers("INVITE", "sip:h", "x")] == [
        "Authorization",
        "Proxy-Authorization",
    ]
    assert not auth.learn(_refused('Digest realm="a", nonce="2"'))
    assert auth.learn(_refused('Digest realm="a", nonce="3", stale=TRUE'))
    assert not auth.learn(_refused('Digest realm="a", nonce="4", stale=true'))


def test_after_an_acceptance_a_new_nonce_is_taken_again() -> None:
    """Hours into a call a new challenge can only mean a new nonce; the same nonce again means no."""
    auth = Authenticator(_MUFASA)
    auth.learn(_refused('Digest realm="a", nonce="1"'))
    auth.accepted()
    assert not auth.learn(_refused('Digest realm="a", nonce="1"'))
    assert auth.learn(_refused('Digest realm="a", nonce="2"'))
    assert not auth.learn(_refused('Digest realm="a", nonce="3"'))


def test_the_count_of_a_nonce_rises_with_each_use() -> None:
    """Nc never repeats for a nonce (RFC 7616, 3.4)."""
    auth = Authenticator(_MUFASA)
    auth.learn(_refused('Digest realm="a", nonce="1", qop="auth"'))
    counts = [auth.headers("BYE", "sip:h", "x")[0][1].partition("nc=")[2][:8] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_realms_are_bounded_and_a_password_is_never_shown() -> None:
    """A server that invents realms is answered a few times; repr() hides the password."""
    auth = Authenticator(_MUFASA)
    learnt = [auth.learn(_refused(f'Digest realm="{n}", nonce="1"')) for n in range(10)]
    assert learnt.count(True) == 4
    assert "Circle" not in repr(auth)
    assert not Authenticator(None).learn(_refused('Digest realm="a", nonce="1"'))
