"""The cookies of one call, by the sections of RFC 6265 (HTTP State Management Mechanism)."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.egress.cookies import (
    MAX_COOKIE_BYTES,
    MAX_COOKIES,
    MAX_JAR_BYTES,
    CookieJar,
)

#: Saturday, 21 November 2026, 08:00:00 GMT.
NOW = 1_795_248_000.0
PAGE = "http://app.example.com/ivr/start.php"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = NOW

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def sent(lines: Iterable[str], url: str = PAGE, set_at: str = PAGE) -> str:
    """Return what a request carries after an answer that set cookies."""
    jar = CookieJar(Clock())
    jar.keep(set_at, lines)
    return jar.header(url)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        pytest.param("PHPSESSID=r2t5; path=/", "PHPSESSID=r2t5", id="4.1-php"),
        pytest.param("a=b", "a=b", id="5.2-no-attributes"),
        pytest.param(" a = b c ; Path=/", "a=b c", id="5.2-4-spaces-around"),
        pytest.param("a=b=c;Path=/", "a=b=c", id="5.2-2-the-first-equals-sign"),
        pytest.param('a="b, c"; Path=/', 'a="b, c"', id="5.2-quotes-belong-to-the-value"),
        pytest.param("a=", "a=", id="5.2-an-empty-value"),
        pytest.param("a=ü", "a=ü", id="5.2-utf-8"),
        pytest.param(
            "a=b; HttpOnly; SameSite=Strict; Partitioned; x", "a=b", id="5.2-others-are-passed-over"
        ),
        pytest.param("no cookie", "", id="5.2-2-no-equals-sign"),
        pytest.param("; Path=/", "", id="5.2-2-nothing"),
        pytest.param("=b", "", id="5.2-5-no-name"),
        pytest.param("", "", id="5.2-empty"),
        pytest.param("a=b\x07c", "", id="6265bis-5.6-a-control-character"),
        pytest.param("a=\udcff", "", id="5.2-no-utf-8"),
    ],
)
def test_section_5_2_a_set_cookie_line_is_read_or_passed_over(line: str, header: str) -> None:
    """Name and value are sent back as they came."""
    assert sent([line]) == header


@pytest.mark.parametrize(
    ("attributes", "seconds", "kept"),
    [
        pytest.param("Max-Age=60", 59, True, id="5.2.2-before"),
        pytest.param("Max-Age=60", 60, False, id="5.2.2-after"),
        pytest.param("max-AGE=0", 0, False, id="5.2.2-zero"),
        pytest.param("Max-Age=-1", 0, False, id="5.2.2-negative"),
        pytest.param("Max-Age=" + "9" * 3_000, 9_999, True, id="5.2.2-for-ever"),
        pytest.param("Max-Age=6o", 9_999, True, id="5.2.2-no-number-is-no-attribute"),
        pytest.param("Max-Age=٦", 9_999, True, id="5.2.2-other-digits-are-none"),
        pytest.param("Max-Age=5; Max-Age=60", 59, True, id="5.3-3-the-last-counts"),
        pytest.param("Max-Age=60; Max-Age=x", 60, False, id="5.2.2-the-last-that-can-be-read"),
        pytest.param("Expires=Sat, 21 Nov 2026 08:01:00 GMT", 59, True, id="5.2.1-before"),
        pytest.param("Expires=Sat, 21 Nov 2026 08:01:00 GMT", 60, False, id="5.2.1-after"),
        pytest.param("Expires=Saturday, 21-Nov-26 08:01:00 GMT", 60, False, id="5.1.1-rfc-850"),
        pytest.param("Expires=Sat Nov 21 08:01:00 2026", 59, True, id="5.1.1-asctime"),
        pytest.param("Expires=Sat Nov 21 08:01:00 2026", 60, False, id="5.1.1-asctime-after"),
        pytest.param("Expires=Thu, 01-Jan-1970 00:00:01 GMT", 0, False, id="5.1.1-php-deletes"),
        pytest.param("Expires=Sat, 21 Nov 2026 10:01:00 +0200", 7_259, True, id="5.1.1-always-utc"),
        pytest.param("Expires=never", 9_999, True, id="5.2.1-no-date-is-no-attribute"),
        pytest.param("Expires=Sat, 31 Feb 2026 08:01:00 GMT", 9_999, True, id="5.1.1-no-such-day"),
        pytest.param("Expires=Sat, 21 Nov 2020 08:01:00 GMT; Max-Age=60", 59, True, id="5.3-3-max-age-first"),
        pytest.param("Path=/", 1e12, True, id="5.3-3-as-long-as-the-call"),
    ],
)
def test_section_5_3_a_cookie_lives_as_long_as_its_server_says(
    attributes: str, seconds: float, *, kept: bool
) -> None:
    """By Max-Age, else by Expires, else as long as the call."""
    clock = Clock()
    jar = CookieJar(clock)
    jar.keep(PAGE, [f"a=b; {attributes}"])
    clock.seconds += seconds
    assert jar.header(PAGE) == ("a=b" if kept else "")


_APP, _BELOW = "app.example.com", "example.com app.example.com other.example.com"
#: Where a cookie might go astray.
_HOSTS = frozenset(
    f"{_BELOW} x.app.example.com notexample.com com x.com org app.example.com. x.com. localhost x.localhost "
    "192.0.2.7 9.192.0.2.7 [2001:db8::1] bücher.example xn--bcher-kva.example".split()
)


@pytest.mark.parametrize(
    ("set_at", "domain", "hosts"),
    [
        pytest.param(_APP, "", _APP, id="5.3-6-host-only"),
        pytest.param(_APP, "Domain=", _APP, id="5.2.3-empty-is-no-attribute"),
        pytest.param(_APP, "Domain=.", _APP, id="5.3-6-a-dot-alone"),
        pytest.param(_APP, "Domain=example.com", f"{_BELOW} x.app.example.com", id="5.1.3-below"),
        pytest.param(_APP, "domain=.EXAMPLE.com", f"{_BELOW} x.app.example.com", id="5.2.3-dot-and-capitals"),
        pytest.param(_APP, "Domain=app.example.com", f"{_APP} x.app.example.com", id="5.3-6-itself"),
        pytest.param(_APP, "Domain=other.example.com", "", id="5.3-6-beside"),
        pytest.param(_APP, "Domain=x.app.example.com", "", id="5.3-6-further-down"),
        pytest.param(_APP, "Domain=ample.com", "", id="5.1.3-no-label"),
        pytest.param(_APP, "Domain=com", "", id="5.3-5-one-label"),
        pytest.param(_APP, "Domain=.com", "", id="5.3-5-one-label-with-a-dot"),
        pytest.param("app.example.com.", "Domain=com.", "", id="5.3-5-one-label-with-a-dot-behind"),
        pytest.param(
            _APP, "Domain=x.org; Domain=app.example.com", f"{_APP} x.app.example.com", id="5.3-4-the-last"
        ),
        pytest.param("localhost", "Domain=localhost", "localhost", id="5.3-5-a-host-of-one-label"),
        pytest.param("192.0.2.7", "", "192.0.2.7", id="5.1.3-address"),
        pytest.param("192.0.2.7", "Domain=192.0.2.7", "192.0.2.7", id="5.1.3-the-address-itself"),
        pytest.param("192.0.2.7", "Domain=0.2.7", "", id="5.1.3-part-of-an-address"),
        pytest.param("[2001:db8::1]", "", "[2001:db8::1]", id="5.1.3-address-v6"),
        pytest.param(
            "bücher.example",
            "Domain=xn--bcher-kva.example",
            "bücher.example xn--bcher-kva.example",
            id="5.1.2-idna",
        ),
    ],
)
def test_section_5_1_3_a_cookie_goes_to_its_own_domain(set_at: str, domain: str, hosts: str) -> None:
    """To the host that set it, or to all of a domain that is its own and has more than one label; at any port."""
    jar = CookieJar(Clock())
    jar.keep(f"http://{set_at}:8080/", [f"a=b; {domain}"])
    assert {host for host in _HOSTS if jar.header(f"http://{host}/")} == set(hosts.split())


@pytest.mark.parametrize(
    ("path", "asked", "goes"),
    [
        pytest.param("", "/ivr/other.php", True, id="5.1.4-default-folder"),
        pytest.param("", "/ivr", True, id="5.1.4-default-the-folder-itself"),
        pytest.param("", "/other.php", False, id="5.1.4-default-outside"),
        pytest.param("Path=/", "/other.php", True, id="5.2.4-all"),
        pytest.param("Path=/ivr", "/ivrs/a", False, id="5.1.4-no-segment"),
        pytest.param("Path=/ivr/", "/ivr/a", True, id="5.1.4-with-a-slash"),
        pytest.param("Path=/ivr/", "/ivr", False, id="5.1.4-above"),
        pytest.param("Path=/IVR", "/ivr/a", False, id="5.1.4-capitals-count"),
        pytest.param("Path=ivr", "/other.php", False, id="5.2.4-not-absolute"),
        pytest.param("Path=/; Path=", "/other.php", False, id="5.2.4-empty-and-the-last"),
        pytest.param("Path=/elsewhere", "/elsewhere/a", True, id="5.3-7-any-path-may-be-set"),
    ],
)
def test_section_5_1_4_a_cookie_goes_to_its_own_path(path: str, asked: str, *, goes: bool) -> None:
    """By default to the folder of what set it."""
    assert bool(sent([f"a=b; {path}"], f"http://app.example.com{asked}?q=/")) is goes


@pytest.mark.parametrize(("scheme", "header"), [("https", "a=b; c=d"), ("http", "c=d")])
def test_section_5_4_a_secure_cookie_goes_over_https_alone(scheme: str, header: str) -> None:
    """What is secret stays so."""
    lines = ["a=b; Secure; Path=/", "c=d; Path=/"]
    assert sent(lines, f"{scheme}://h.example/", set_at="https://h.example/") == header


def test_section_5_4_the_longer_path_stands_first_and_then_the_older_cookie() -> None:
    """A cookie that is set again keeps its place (5.3, 11.3)."""
    lines = ["old=1; Path=/", "long=2; Path=/ivr", "new=3; Path=/", "old=4; Path=/"]
    assert sent(lines) == "long=2; old=4; new=3"


def test_section_5_3_a_cookie_is_replaced_and_deleted_by_name_domain_and_path() -> None:
    """Another path is another cookie."""
    jar = CookieJar(Clock())
    jar.keep(PAGE, ["a=1; Path=/", "a=2; Path=/ivr", "a=3; Path=/"])
    assert jar.header(PAGE) == "a=2; a=3"
    jar.keep(PAGE, ["a=; Path=/ivr; Max-Age=0"])
    assert jar.header(PAGE) == "a=3"


def test_section_6_1_a_jar_is_bounded_and_keeps_what_is_used() -> None:
    """In number and bytes; of what no request carried for longest the first goes."""
    jar = CookieJar(Clock())
    jar.keep("http://h.example/", ["session=s; Path=/"])
    for number in range(3 * MAX_COOKIES):
        jar.keep(f"http://h.example/{number}/", [f"c{number}=x"])
        assert jar.header("http://h.example/") == "session=s"
    kept = sum(
        bool(jar.header(f"http://h.example/{number}/").count("c")) for number in range(3 * MAX_COOKIES)
    )
    assert kept == MAX_COOKIES - 1
    jar.keep("http://h.example/", [f"big{number}={'x' * 3_000}; Path=/" for number in range(3)])
    assert len(jar.header("http://h.example/")) <= MAX_JAR_BYTES
    assert jar.header("http://h.example/").count("big") == 2


@pytest.mark.parametrize(("extra", "kept"), [(0, True), (1, False)])
def test_section_6_1_a_cookie_of_four_kilobytes_is_kept_and_a_larger_one_is_not(
    extra: int, *, kept: bool
) -> None:
    """With its attributes."""
    line = "a=; Path=/".replace("=;", "=" + "x" * (MAX_COOKIE_BYTES - 10 + extra) + ";", 1)
    assert bool(sent([line])) is kept


def test_section_5_3_expired_cookies_make_room_first() -> None:
    """What is of no use any more costs nothing that is."""
    clock = Clock()
    jar = CookieJar(clock)
    jar.keep("http://h.example/", ["keep=1; Path=/"])
    jar.keep("http://h.example/", [f"c{number}=x; Max-Age=5" for number in range(MAX_COOKIES - 1)])
    clock.seconds += 10
    jar.keep("http://h.example/", ["new=1; Path=/"])
    assert jar.header("http://h.example/") == "keep=1; new=1"


@pytest.mark.parametrize("url", ["", "http://", "http://[::1/", "data:text/plain,a", "recording:1"])
def test_what_is_no_address_has_no_cookies(url: str) -> None:
    """And breaks nothing."""
    assert sent(["a=b; Path=/"], url) == ""
    assert sent(["a=b; Path=/"], set_at=url) == ""


_PIECES = st.sampled_from(
    ["a=b", "=", ";", "Domain=", "example.com", ".", "Path=/", "Max-Age=", "-", "9", "Expires=", "�"]
)


@given(lines=st.lists(st.text(max_size=60) | st.lists(_PIECES).map("".join), max_size=80))
def test_no_server_breaks_a_jar_or_its_bounds(lines: list[str]) -> None:
    """Whatever it sends: what is sent back can be sent, and is not too long."""
    header = sent(lines)
    assert header.isprintable()
    assert len(header.encode()) <= MAX_JAR_BYTES
