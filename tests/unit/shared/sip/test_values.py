"""URIs and header values: read, printed back the same, bounded."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sip.errors import BadArgument, BadMessage
from shared.sip.grammar import parse_parameters, quoted, split_list, unquoted
from shared.sip.headers import CSeq, NameAddr, SessionExpires, Via, asserted_identity, q850_cause
from shared.sip.uri import SipUri, dialled_uri, parse_uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.com",
        "sips:alice:pass%20word@example.com:5061;transport=udp;lr",
        "sip:[2001:db8::1]:5060",
        "sip:under_score.local:5080",
        "sip:+12025550123;phone-context=x@192.0.2.1;user=phone?Subject=a%20b&Priority=urgent",
        "tel:+1-202-555-0123;ext=5",
        "urn:service:sos",
    ],
)
def test_a_uri_is_printed_as_it_was_read(text: str) -> None:
    """Reading and printing lose nothing; escapes stay."""
    assert str(parse_uri(text)) == text
    assert parse_uri(str(parse_uri(text))) == parse_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@host",
        "sip:a b@host",
        "sip:user@",
        "sip:host:0",
        "sip:host:65536",
        "sip:host:٣",
        "sip:host;a=1;a=2",
        "sip:a@b@c",
        "sip:host;;",
        "sip:u%zz@host",
        'sip:a"b@host',
        "sip:host\r\nX: y",
        "sip:" + "a" * 3000,
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    """Broken, doubled, oversized and non-ASCII parts are refused."""
    with pytest.raises(BadMessage):
        parse_uri(text)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "+1202555012a",
        "1;user=x",
        "1@evil.example",
        "+1 202",
        "٣٣٣",
        "1\r\nX: y",
        "sip:1",
        "1" * 40,
        "1%40",
    ],
)
def test_a_callee_is_digits_and_nothing_else(number: str) -> None:
    """Text that could carry a host, a parameter or a header never becomes a URI."""
    with pytest.raises(BadArgument):
        dialled_uri(number, host="trunk.example")


@pytest.mark.parametrize(
    ("prefix", "host", "port", "written"),
    [
        ("", "192.0.2.9", None, "sip:+12025550123@192.0.2.9;user=phone"),
        ("9011#", "Trunk.Example", 5070, "sip:9011%23+12025550123@trunk.example:5070;user=phone"),
    ],
)
def test_a_dialled_number_becomes_a_telephone_uri(
    prefix: str, host: str, port: int | None, written: str
) -> None:
    """The trunk's prefix and host are the trunk's own; `#` is escaped."""
    assert str(dialled_uri("+12025550123", host=host, port=port, prefix=prefix)) == written


@pytest.mark.parametrize(
    ("prefix", "host"), [("1;x", "h"), ("x", "h"), ("", "h;lr"), ("", "a@b"), ("", "h:5060"), ("", "")]
)
def test_a_trunk_with_an_odd_prefix_or_host_is_refused(prefix: str, host: str) -> None:
    """A setting that would change the meaning of the URI is refused."""
    with pytest.raises(BadArgument):
        dialled_uri("1", host=host, prefix=prefix)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ('"A \\"B\\" \\\\" <sip:a@b>;tag=x%41y', '"A \\"B\\" \\\\" <sip:a@b>;tag=x%41y'),
        ("Bob <sip:b@c;lr>", '"Bob" <sip:b@c;lr>'),
        ("sip:b@c;tag=1;x", "<sip:b@c>;tag=1;x"),
        ('<sip:b@c>;x="a;b,c"', '<sip:b@c>;x="a;b,c"'),
        ("<tel:+12025550123>", "<tel:+12025550123>"),
    ],
)
def test_an_address_means_the_same_when_printed(text: str, printed: str) -> None:
    """Display names are quoted, parameters stay as they were."""
    address = NameAddr.parse(text)
    assert str(address) == printed
    assert NameAddr.parse(printed) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "<sip:a@b",
        '"a <sip:a@b>',
        '"a" sip:a@b',
        "a, b <sip:a@b>",
        "sip:a@b?x=y",
        "<sip:a@b> x",
        "<sip:a@b>;=1",
        "<sip:a@b>;a;a",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Open quotes and brackets, and what needs them, are refused."""
    with pytest.raises(BadMessage):
        NameAddr.parse(text)


def test_a_tag_is_replaced_and_not_doubled() -> None:
    """with_tag() leaves exactly one tag."""
    assert str(NameAddr.parse("<sip:a@b>;tag=1;x=2").with_tag("9")) == "<sip:a@b>;x=2;tag=9"


def test_a_via_tells_where_it_came_from_when_asked() -> None:
    """Rport is filled in and received added (RFC 3581); without rport only a wrong host is corrected."""
    asked = Via.parse("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKx")
    assert str(asked.received_from("192.0.2.7", 4000)) == (
        "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;received=192.0.2.7;rport=4000"
    )
    plain = Via.parse("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx")
    assert plain.received_from("192.0.2.7", 4000) == plain
    assert plain.received_from("192.0.2.8", 4000).parameter("received") == "192.0.2.8"


@pytest.mark.parametrize(
    "text",
    ["", "SIP/1.0/UDP a", "SIP/2.0/UDP", "SIP/2.0/UDP a b:x", "SIP/2.0/UDP a:99999"],
)
def test_a_via_that_cannot_be_read_is_refused(text: str) -> None:
    """Another protocol, no host or an odd port is refused."""
    with pytest.raises(BadMessage):
        Via.parse(text)


def test_a_branch_without_a_value_is_none() -> None:
    """An element older than RFC 3261 names no transaction."""
    assert Via.parse("SIP/2.0/UDP a;branch").branch == Via.parse("SIP/2.0/UDP a").branch == ""


@pytest.mark.parametrize(
    "text", ["", "1", "x INVITE", "1 INVITE x", "2147483648 INVITE", "-1 INVITE", "٣ INVITE", "1 a(b"]
)
def test_a_cseq_is_a_bounded_number_and_a_method(text: str) -> None:
    """Everything else is refused; leading zeros are fine."""
    with pytest.raises(BadMessage):
        CSeq.parse(text)
    assert CSeq.parse(" 0009   INVITE") == CSeq(9, "INVITE")


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        (('Q.850;cause=17;text="User busy"',), 17),
        (('SIP ;cause=200 ;text="a, b; cause=3", q.850 ;cause=34',), 34),
        (("SIP;cause=487",), None),
        (('Q.850;cause="x', "Q.850;cause=19"), 19),
        (("Q.850;cause=128",), None),
        (("Q.850;cause=٣",), None),
        ((), None),
    ],
)
def test_the_q850_cause_is_found_among_reasons(values: tuple[str, ...], cause: int | None) -> None:
    """The first Q.850 reason that can be read counts; nonsense is no reason to fail (RFC 3326)."""
    assert q850_cause(values) == cause


def test_the_asserted_identity_is_the_first_that_can_be_read() -> None:
    """P-Asserted-Identity is informational: a broken one is skipped (RFC 3325)."""
    identity = asserted_identity(("<nonsense", '"Ann" <sip:+1@x.example>, <tel:+1>'))
    assert identity is not None
    assert identity.display == "Ann"
    assert asserted_identity(()) is None


def test_session_expires_is_read_and_printed() -> None:
    """An unknown refresher is none (RFC 4028, 4)."""
    assert SessionExpires.parse("1800;refresher=UAS") == SessionExpires(1800, "uas")
    assert SessionExpires.parse("90 ;refresher=them;x=y") == SessionExpires(90)
    assert [str(SessionExpires(90)), str(SessionExpires(90, "uac"))] == ["90", "90;refresher=uac"]


@given(
    text=st.text(
        alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=60
    )
)
def test_quoting_survives_the_wire(text: str) -> None:
    """What is quoted is read back as it was, alone and as a display name."""
    assert unquoted(quoted(text)) == text
    address = NameAddr(display=text, uri=SipUri(host="h"))
    assert NameAddr.parse(str(address)) == address


@given(text=st.text(alphabet='";<>,=\\ ab@:%', max_size=80))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    """Every reader of values refuses with BadMessage or reads, and prints what it then reads the same."""
    for reader in (parse_uri, NameAddr.parse, Via.parse, CSeq.parse, SessionExpires.parse):
        try:
            value = reader(text)
        except BadMessage:
            continue
        assert reader(str(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        '"' * 4000,
        '"a' * 2000,
        "a " * 2000,
        " " * 4000,
        "<sip:a@b>" + ";a=b" * 1000,
        "a-" * 2000,
        "<" * 4000,
        "\\" * 4000,
        "1" * 4000,
        "sip:" + "1:" * 1000,
    ],
)
def test_no_value_takes_long(text: str) -> None:
    """No text of a header's length makes a reader walk over it again and again."""
    began = time.thread_time()  # a real clock, of our own work: the point is what the processor does
    for reader in (
        parse_uri,
        NameAddr.parse,
        Via.parse,
        CSeq.parse,
        lambda t: parse_parameters(split_list(t, ";")),
    ):
        with suppress(BadMessage):
            reader(text)
    assert time.thread_time() - began < 0.25
