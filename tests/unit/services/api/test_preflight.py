"""The look at a campaign's addresses before it starts."""

import pytest
from typing_extensions import override

from services.api.preflight import AddressNotAnswering, Inspector, Preflight
from shared.ports.fetching import DocumentFetcher, FetchedDocument, FetchFailed


class Web(DocumentFetcher):
    """A web of two sites: one that answers what its path says, one that is down."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    @override
    async def fetch(self, method: str, url: str, **_options: object) -> FetchedDocument:
        self.asked.append((method, url))
        if "down" in url:
            raise FetchFailed("No connection could be made in time.", sent=False)
        return FetchedDocument(url=url, status=int(url.rpartition("/")[2]), content_type="", body=b"")


GOOD, BROKEN, DOWN = "http://site.example/200", "http://site.example/500", "http://down.example/"


async def test_each_address_is_asked_once_with_a_get() -> None:
    """What they answer is told in words; a campaign without a result_url has one address."""
    web = Web()
    inspector = Inspector(web, Preflight.WARN)
    assert await inspector.look_at({"start_url": GOOD, "result_url": DOWN}) == {
        "start_url": "answered 200",
        "result_url": "No connection could be made in time.",
    }
    assert await inspector.look_at({"start_url": BROKEN, "result_url": None}) == {"start_url": "answered 500"}
    assert web.asked == [("GET", GOOD), ("GET", DOWN), ("GET", BROKEN)]


async def test_nobody_is_asked_when_it_is_off() -> None:
    """An operator may not want it: then nothing is known."""
    web = Web()
    assert await Inspector(web, Preflight.OFF).look_at({"start_url": GOOD, "result_url": GOOD}) is None
    assert web.asked == []


@pytest.mark.parametrize("bad", [BROKEN, DOWN])
async def test_a_bad_address_refuses_the_start_where_that_is_required(bad: str) -> None:
    """The sentence names the field and what it answered."""
    inspector = Inspector(Web(), Preflight.REQUIRE)
    assert await inspector.look_at({"start_url": GOOD, "result_url": GOOD}) is not None
    with pytest.raises(AddressNotAnswering, match="result_url: "):
        await inspector.look_at({"start_url": GOOD, "result_url": bad})
