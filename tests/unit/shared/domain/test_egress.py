"""Which URLs and addresses Paceline may call: the rules."""

import json
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.egress import (
    EGRESS_SETTING,
    MAX_URL_CHARACTERS,
    EgressPolicy,
    ForbiddenUrl,
    check_url,
    endpoint_refusal,
    forbidden_reason,
    is_local_name,
    url_problem,
)

_VECTORS = json.loads((Path(__file__).parents[3] / "vectors/ssrf_urls.json").read_text())
_CLOSED = EgressPolicy()
_LOOPBACK = EgressPolicy(allow=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
_OFFICE = EgressPolicy(allow=(ip_network("10.1.0.0/16"),))


def _urls(*sections: str) -> list[object]:
    rows = [row for section in sections for row in _VECTORS[section]]
    return [pytest.param(row["url"], id=row["what"]) for row in rows]


@pytest.mark.parametrize("url", _urls("refused_when_written_and_called", "refused_when_written"))
def test_a_url_that_could_do_harm_is_refused_in_a_sentence(url: str) -> None:
    """Every URL of the corpus that can be told by its text is refused, in a sentence, for the field named."""
    with pytest.raises(ForbiddenUrl) as refusal:
        check_url(url, _CLOSED, field="start_url")
    assert refusal.value.field == "start_url"
    assert refusal.value.message.endswith(".")
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize("url", _urls("accepted", "refused_when_called"))
def test_an_honest_url_is_accepted(url: str) -> None:
    """A public URL passes; what a name resolves to is not this look's business."""
    check_url(url, _CLOSED)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "http://[fd00::1]/",
    ],
)
def test_the_refusal_of_an_address_names_the_setting(url: str) -> None:
    """Whoever is refused a private address reads which setting an operator would change."""
    assert EGRESS_SETTING in (url_problem(url, _CLOSED) or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:45123/",
        "http://127.9.9.9:22/",
        "http://[::1]:45123/",
        "http://localhost:45123/",
        "http://demo.localhost:9/",
    ],
)
def test_a_listed_network_is_exempt_from_the_port_rule_too(url: str) -> None:
    """With loopback allowed, any port of it may be called, by address and by its reserved names."""
    assert url_problem(url, _LOOPBACK) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",  # allowed, but HTTP clients disagree about the spelling
    ],
)
def test_allowing_one_network_opens_no_other(url: str) -> None:
    """With loopback allowed, other networks, ports that do not exist and odd spellings stay refused."""
    assert url_problem(url, _LOOPBACK) is not None


def test_localhost_stays_refused_where_only_another_network_is_allowed() -> None:
    """Allowing an office network does not allow this machine."""
    assert url_problem("http://localhost/", _OFFICE) is not None
    assert url_problem("http://10.1.2.3:9000/", _OFFICE) is None


def test_a_url_has_a_length_limit() -> None:
    """2,083 characters are accepted and one more is not, whatever they are."""
    start = "http://example.com/"
    assert url_problem(start.ljust(MAX_URL_CHARACTERS, "a"), _CLOSED) is None
    assert "2084" in (url_problem(start.ljust(MAX_URL_CHARACTERS + 1, "a"), _CLOSED) or "")
    assert url_problem(start.ljust(70_000, "\0"), _CLOSED) is not None


def test_a_host_name_has_the_length_limits_of_dns() -> None:
    """A label of 63 and a name of 253 characters pass; one more of either does not, nor does its punycode."""
    assert url_problem(f"http://{'a' * 63}.example/", _CLOSED) is None
    assert url_problem(f"http://{'a' * 64}.example/", _CLOSED) is not None
    name = ".".join(["a" * 49] * 5)
    assert url_problem(f"http://{name}.ab/", _CLOSED) is None
    assert url_problem(f"http://{name}.abcd/", _CLOSED) is not None
    assert url_problem(f"http://{'ü' * 60}.example/", _CLOSED) is not None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("10.20.30.40", "private"),
        ("100.127.255.255", "carrier-grade"),
        ("169.254.169.254", "metadata"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("198.19.0.1", "benchmarks"),
        ("192.88.99.1", "6to4 relay"),
        ("0.1.2.3", "this very host"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::2", "IPv4-compatible form of 0.0.0.2"),
        ("::8.8.8.8", "outside the public IPv6 space"),
        ("::ffff:192.168.0.1", "IPv4-mapped form of 192.168.0.1, which is private"),
        ("::ffff:0:192.168.0.1", "IPv4-translated form of 192.168.0.1"),
        ("64:ff9b::192.168.0.1", "NAT64 form of 192.168.0.1"),
        ("64:ff9b:1::8.8.8.8", "local NAT64"),
        ("2002:c0a8:1::", "6to4 form of 192.168.0.1"),
        ("2001:0:c0a8:1::", "Teredo address of 192.168.0.1"),
        ("2001:0:808:808::3f57:fffe", "Teredo address of 192.168.0.1"),
        ("2001:0:808:808::f7f7:f7f7", "Teredo"),
        ("2600::5efe:192.168.0.1", "ISATAP address of 192.168.0.1"),
        ("2600::200:5efe:192.168.0.1", "ISATAP address of 192.168.0.1"),
        ("2600::100:5efe:192.168.0.1", "ISATAP address of 192.168.0.1"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("fdff::1", "unique local"),
        ("ff05::2", "multicast"),
        ("5f00::1", "segment routing"),
        ("2001:db8:ffff::1", "documentation"),
        ("6000::1", "outside"),
        ("e000::1", "outside"),
    ],
)
def test_a_refused_address_says_what_it_is(address: str, reason: str) -> None:
    """The reason names the kind of address, and the IPv4 address in it where that is what counts."""
    assert reason in (forbidden_reason(ip_address(address), _CLOSED) or "")


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2600::5efe:8.8.8.8",
        "2600::5eff:192.168.0.1",
    ],
)
def test_a_public_address_is_not_refused(address: str) -> None:
    """The neighbours of every refused block are public, and so is a carried address that is public."""
    assert forbidden_reason(ip_address(address), _CLOSED) is None


@pytest.mark.parametrize("allowed", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1"])
def test_an_allowed_address_is_allowed_in_every_form(allowed: str) -> None:
    """A listed IPv4 network is open however its addresses are carried, and its neighbour is not."""
    assert forbidden_reason(ip_address(allowed), _OFFICE) is None
    assert forbidden_reason(ip_address("10.2.0.1"), _OFFICE) is not None


@pytest.mark.parametrize(
    ("port", "accepted"), [(80, True), (443, True), (8000, True), (8999, True), (22, False)]
)
def test_a_connection_is_held_to_the_port_rule(port: int, *, accepted: bool) -> None:
    """The port rule holds for a connection to a public address; a listed address has any port."""
    assert (endpoint_refusal(IPv4Address("8.8.8.8"), port, _CLOSED) is None) is accepted
    assert endpoint_refusal(IPv4Address("10.1.0.1"), port, _OFFICE) is None


@pytest.mark.parametrize("name", ["localhost", "LocalHost.", "a.localhost", "ip6-localhost"])
def test_names_of_this_machine_are_known(name: str) -> None:
    """The reserved names are recognised in every case, and nothing that only looks like one is."""
    assert is_local_name(name)
    assert not is_local_name(f"{name.removesuffix('.')}.example")
    assert not is_local_name("notlocalhost")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_however_it_is_spelled(address: IPv4Address) -> None:
    """Whatever is refused plainly is refused as a number, in hex, in octal and mapped into IPv6."""
    refused = url_problem(f"http://{address}/", _CLOSED) is not None
    number = int(address)
    octal = ".".join(f"{byte:#o}".replace("0o", "0") for byte in address.packed)
    assert (url_problem(f"http://[::ffff:{address}]/", _CLOSED) is not None) is refused
    for spelling in (str(number), hex(number), octal, f"{number >> 24}.{number & 0xFFFFFF}"):
        problem = url_problem(f"http://{spelling}/", _CLOSED) or ""
        if refused:
            assert EGRESS_SETTING in problem
        else:
            assert problem in {"", f"Write the host as {address}."}


@given(st.ip_addresses(v=6))
@example(IPv6Address("2001:200::"))
@example(IPv6Address("3fff:1000::"))
def test_only_the_public_ipv6_space_is_open(address: IPv6Address) -> None:
    """Nothing outside 2000::/3 is ever accepted, save what is a mere form of a public IPv4 address."""
    forms = (ip_network("::ffff:0:0/96"), ip_network("::ffff:0:0:0/96"), ip_network("64:ff9b::/96"))
    if address not in ip_network("2000::/3") and not any(address in form for form in forms):
        assert forbidden_reason(address, _CLOSED) is not None


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://[", "http://a:", "http://xn--"]))
def test_no_text_breaks_the_check(text: str, start: str) -> None:
    """Any text whatever is accepted or refused; none is an error of ours."""
    problem = url_problem(start + text, _CLOSED)
    assert problem is None or problem.endswith(".")


@given(st.ip_addresses(v=4))
def test_nothing_that_the_interpreter_calls_private_is_accepted(address: IPv4Address) -> None:
    """The table refuses at least what Python's own, shorter one does."""
    if not address.is_global:
        assert forbidden_reason(address, _CLOSED) is not None
