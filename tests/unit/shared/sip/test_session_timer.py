"""The rules of session timers (RFC 4028)."""

import pytest

from shared.sip.headers import CSeq, NameAddr, Via
from shared.sip.message import Request
from shared.sip.session_timer import SessionTimer, agreed_as_client, agreed_as_server, raised, too_small
from shared.sip.uri import SipUri


def _message(**headers: str) -> Request:
    us = NameAddr(uri=SipUri(host="h"))
    return Request(
        method="UPDATE",
        uri=SipUri(host="h"),
        vias=(Via(host="h"),),
        sender=us,
        to=us,
        call_id="c",
        cseq=CSeq(1, "UPDATE"),
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
    )


@pytest.mark.parametrize(
    ("value", "agreed"),
    [
        ("1800;refresher=uac", SessionTimer(interval_seconds=1800, we_refresh=True)),
        ("1800;refresher=uas", SessionTimer(interval_seconds=1800, we_refresh=False)),
        ("1800", SessionTimer(interval_seconds=1800, we_refresh=True)),
        ("1;refresher=uac", SessionTimer(interval_seconds=90, we_refresh=True)),
        ("999999999;refresher=uas", SessionTimer(interval_seconds=86400, we_refresh=False)),
        ("soon", None),
    ],
)
def test_what_a_2xx_agrees_on(value: str, agreed: SessionTimer | None) -> None:
    """The refresher is who it names; absurd intervals are brought into bounds; nonsense is no timer."""
    assert agreed_as_client(_message(Session_Expires=value)) == agreed
    assert agreed_as_client(_message()) is None


@pytest.mark.parametrize(
    ("asked", "supported", "we_refresh", "told"),
    [
        ("1800", "timer", False, (("Session-Expires", "1800;refresher=uac"), ("Require", "timer"))),
        ("1800;refresher=uac", "", False, (("Session-Expires", "1800;refresher=uac"),)),
        ("600;refresher=uas", "timer", True, (("Session-Expires", "600;refresher=uas"),)),
    ],
)
def test_what_we_agree_to(
    asked: str, supported: str, we_refresh: bool, told: tuple[tuple[str, str], ...]
) -> None:
    """We take the peer's interval, and leave the refreshing to it unless it names us (RFC 4028, 9)."""
    agreed = agreed_as_server(_message(Session_Expires=asked, Supported=supported))
    assert agreed is not None
    assert (agreed[0].we_refresh, agreed[1]) == (we_refresh, told)
    assert agreed_as_server(_message()) is None


def test_when_to_refresh_and_when_to_hang_up() -> None:
    """Half of the interval, and 32 s or a third before its end, whichever is less (RFC 4028, 10)."""
    long, short = (SessionTimer(interval_seconds=seconds, we_refresh=True) for seconds in (1800, 90))
    assert (long.refresh_after_seconds, long.expires_after_seconds) == (900, 1768)
    assert (short.refresh_after_seconds, short.expires_after_seconds) == (45, 60)


@pytest.mark.parametrize(
    ("min_se", "expected"),
    [("3600", 3600), ("1800", None), ("90", None), ("90000", None), ("x", None), (None, None)],
)
def test_a_422_is_worth_another_try_only_with_a_longer_interval(
    min_se: str | None, expected: int | None
) -> None:
    """Asking again with the same interval, or for more than a day, is in vain."""
    message = _message() if min_se is None else _message(Min_SE=min_se)
    assert raised(1800, message) == expected


def test_refreshes_more_often_than_every_90_seconds_are_refused() -> None:
    """RFC 4028, 4's minimum holds for the peer's requests."""
    assert [too_small(_message(Session_Expires=value)) for value in ("89", "90", "x")] == [True, False, False]
    assert not too_small(_message())
