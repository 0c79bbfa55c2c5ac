"""Descriptions, offers and answers."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sip.errors import BadBody
from shared.sip.offer_answer import choose_stream, media_of_answer
from shared.sip.sdp import Codec, Direction, LocalMedia, parse_sdp, write_answer, write_offer

LOCAL = LocalMedia(host="192.0.2.1", port=30000, session_id=9)
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n"


def _sdp(*lines: str, head: str = HEAD) -> bytes:
    return (head + "".join(f"{line}\r\n" for line in lines)).encode()


def test_our_offer_says_what_we_take() -> None:
    """Both laws, telephone events as 101, 20 ms; read back it is a stream that we would take ourselves."""
    offer = write_offer(LOCAL)
    assert b"m=audio 30000 RTP/AVP 0 8 101\r\n" in offer
    assert b"a=fmtp:101 0-15\r\n" in offer
    _, media = choose_stream(LOCAL, parse_sdp(offer))
    assert (media.host, media.port, media.codec, media.event_payload_type) == (
        "192.0.2.1",
        30000,
        Codec.PCMU,
        101,
    )
    assert b"IN IP6 2001:db8::1" in write_offer(LocalMedia(host="2001:db8::1", port=4, session_id=1))


@pytest.mark.parametrize(
    ("lines", "codec", "payload_type", "event", "ptime"),
    [
        (("m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000"), Codec.PCMA, 8, 101, 20),
        (
            ("m=audio 4000 RTP/AVP 97 96", "a=rtpmap:97 PCMU/8000/1", "a=rtpmap:96 TELEPHONE-EVENT/8000"),
            Codec.PCMU,
            97,
            96,
            20,
        ),
        (
            ("m=audio 4000 RTP/AVP 0 98", "a=rtpmap:98 telephone-event/16000", "a=ptime:30"),
            Codec.PCMU,
            0,
            None,
            30,
        ),
        (("m=audio 4000 RTP/AVP 18 0", "a=rtpmap:18 G729/8000", "a=ptime:0"), Codec.PCMU, 0, None, 20),
        (("m=audio 4000 RTP/AVP 0", "a=ptime:200"), Codec.PCMU, 0, None, 20),
    ],
)
def test_the_answer_decides_codec_keys_and_ptime(
    lines: tuple[str, ...], codec: Codec, payload_type: int, event: int | None, ptime: int
) -> None:
    """The first of our codecs in the answer counts; events need their own clock rate; odd ptimes become ours."""
    media = media_of_answer(LOCAL, parse_sdp(_sdp(*lines)))
    assert (media.codec, media.payload_type, media.event_payload_type, media.ptime_ms) == (
        codec,
        payload_type,
        event,
        ptime,
    )


def test_the_keys_of_a_peer_that_named_another_number_come_as_either() -> None:
    """It may send what we offered, as it should, or what it answered (RFC 3264, 6.1); we send what it answered."""
    lines = ("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
    other = media_of_answer(LOCAL, parse_sdp(_sdp(*lines)))
    assert (other.event_payload_type, other.other_event_payload_type) == (96, 101)
    same = media_of_answer(LOCAL, parse_sdp(_sdp(*(line.replace("96", "101") for line in lines))))
    assert (same.event_payload_type, same.other_event_payload_type) == (101, None)
    _, offered = choose_stream(LOCAL, parse_sdp(_sdp(*lines)))
    assert (offered.event_payload_type, offered.other_event_payload_type) == (96, None)
    voice = ("m=audio 4000 RTP/AVP 101 96", "a=rtpmap:101 PCMU/8000", "a=rtpmap:96 telephone-event/8000")
    assert media_of_answer(LOCAL, parse_sdp(_sdp(*voice))).other_event_payload_type is None


@pytest.mark.parametrize(
    ("session", "stream", "host", "ours"),
    [
        ("", "", "192.0.2.5", Direction.SENDRECV),
        ("", "a=sendonly", "192.0.2.5", Direction.RECVONLY),
        ("a=recvonly\r\n", "", "192.0.2.5", Direction.SENDONLY),
        ("a=sendonly\r\n", "a=sendrecv", "192.0.2.5", Direction.SENDRECV),
        ("", "a=inactive", "192.0.2.5", Direction.INACTIVE),
        ("", "c=IN IP4 0.0.0.0", "0.0.0.0", Direction.RECVONLY),
        ("", "c=IN IP4 192.0.2.6/127", "192.0.2.6", Direction.SENDRECV),
    ],
)
def test_direction_and_address_of_the_stream_overrule_the_session(
    session: str, stream: str, host: str, ours: Direction
) -> None:
    """Each is mirrored to our view; 0.0.0.0 is the old way to hold (RFC 3264, 8.4)."""
    lines = ["m=audio 4000 RTP/AVP 0", *([stream] if stream else [])]
    media = media_of_answer(LOCAL, parse_sdp(_sdp(*lines, head=HEAD + session)))
    assert (media.host, media.direction, media.sends) == (
        host,
        ours,
        ours in {Direction.SENDRECV, Direction.SENDONLY},
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=1\r\n",
        b"\xff\xfe",
        _sdp("m=audio x RTP/AVP 0"),
        _sdp("m=audio 70000 RTP/AVP 0"),
        _sdp("m=audio 4000 RTP/AVP"),
        _sdp("c=IN IP4 host.example", "m=audio 4000 RTP/AVP 0"),
        _sdp("m=audio 4000 RTP/AVP 0", "c=IN IP4 999.1.1.1"),
        _sdp(*["a=x"] * 300),
        _sdp(*["m=audio 0 RTP/AVP 0"] * 17),
        _sdp("m=audio 4000 RTP/AVP " + " ".join(["0"] * 65)),
        _sdp("a=" + "x" * 9000),
    ],
)
def test_a_description_that_cannot_be_read_is_refused(body: bytes) -> None:
    """Broken lines, names instead of addresses, and sizes beyond the limits raise BadBody."""
    with pytest.raises(BadBody):
        parse_sdp(body)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("m=audio 0 RTP/AVP 0",),
        ("m=audio 4000 RTP/SAVP 0",),
        ("m=audio 4000 RTP/AVP 18",),
        ("m=audio 4000 RTP/AVP 0", "a=rtpmap:0 PCMU/16000"),
        ("m=image 4000 udptl t38",),
        ("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"),
    ],
)
def test_an_answer_without_a_stream_for_us_is_refused(lines: tuple[str, ...]) -> None:
    """Refused, encrypted, compressed or missing audio is no call."""
    with pytest.raises(BadBody):
        media_of_answer(LOCAL, parse_sdp(_sdp(*lines)))
    with pytest.raises(BadBody):
        choose_stream(LOCAL, parse_sdp(_sdp(*lines)))


def test_reports_on_the_port_of_the_audio_are_neither_offered_nor_taken() -> None:
    """An answer without rtcp-mux says no to an offer of it (RFC 5761, 5.1.1): reports keep a port of their own."""
    offer = parse_sdp(_sdp("m=audio 4000 RTP/AVP 0", "a=rtcp-mux", "a=rtcp:4001"))
    chosen, media = choose_stream(LOCAL, offer)
    assert media.port == 4000
    assert b"rtcp" not in write_answer(LOCAL, offer, chosen) + write_offer(LOCAL)


def test_an_answer_of_ours_has_a_line_for_each_of_the_offer() -> None:
    """One stream is taken, every other is refused by port 0, in the offer's order (RFC 3264, 6)."""
    offer = parse_sdp(
        _sdp(
            "m=video 5000 RTP/AVP 31 32", "m=audio 4000 RTP/AVP 8 18", "a=sendonly", "m=audio 4002 RTP/AVP 0"
        )
    )
    chosen, media = choose_stream(LOCAL, offer)
    answer = write_answer(LOCAL.changed(), offer, chosen).decode()
    assert [line for line in answer.split("\r\n") if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31 32",
        "m=audio 30000 RTP/AVP 8",
        "m=audio 0 RTP/AVP 0",
    ]
    assert "o=- 9 2 IN IP4 192.0.2.1" in answer
    assert "a=recvonly" in answer
    assert (media.codec, media.port) == (Codec.PCMA, 4000)


@given(
    st.lists(
        st.sampled_from(
            [
                "m=audio 4000 RTP/AVP 0 8 101",
                "a=rtpmap:101 telephone-event/8000",
                "c=IN IP4 192.0.2.5",
                "a=sendonly",
                "a=ptime:20",
                "m=video 1 RTP/AVP 31",
                "v=0",
                "",
                "c=",
                "a=rtpmap:",
                "m=",
            ]
        ),
        max_size=12,
    )
)
def test_any_order_of_lines_is_read_or_refused(lines: list[str]) -> None:
    """Whatever lines come, nothing but BadBody is raised, and what is chosen can be answered."""
    try:
        offer = parse_sdp(_sdp(*lines))
        chosen, _ = choose_stream(LOCAL, offer)
    except BadBody:
        return
    assert len(parse_sdp(write_answer(LOCAL, offer, chosen)).media) == len(offer.media)


@given(body=st.binary(max_size=400))
def test_noise_is_refused(body: bytes) -> None:
    """No body raises anything but BadBody."""
    with suppress(BadBody):
        parse_sdp(b"v=0\n" + body)


@pytest.mark.parametrize("host", ["224.1.2.3", "239.255.255.250", "255.255.255.255"])
def test_audio_for_one_callee_is_not_sent_to_a_crowd(host: str) -> None:
    """A group or everybody on a network is no far end of a call."""
    with pytest.raises(BadBody):
        parse_sdp(_sdp("m=audio 4000 RTP/AVP 0", head=HEAD.replace("c=IN IP4 192.0.2.5", f"c=IN IP4 {host}")))


def test_neither_over_ipv6() -> None:
    """A group has the prefix ff there."""
    with pytest.raises(BadBody):
        parse_sdp(_sdp("c=IN IP6 ff02::1", "m=audio 4000 RTP/AVP 0"))
