"""The client of the public API, and what a person reads when something is wrong on the way."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from services.cli.client.api import NothingAnswers, NotPaceline, PacelineApi, Refused
from services.cli.errors import Missing
from shared.domain.errors import Invalid

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi


def _nothing(_size: int) -> None:
    """Count no bytes."""


async def test_a_phone_list_is_sent_whole_and_counted(
    small_api: "SmallApi", client: PacelineApi, tmp_path: Path
) -> None:
    """The list arrives byte by byte as it is on the disk, and the counter has heard of each of its bytes."""
    numbers = tmp_path / "list.csv"
    numbers.write_bytes(b"tel:+12025550100;ani=+12025550199,invoice-1001\r\n" * 20_000 + b"\xff\xfe no text")
    counted: list[int] = []
    created = await client.create_campaign({"start_url": "https://example.com"}, numbers, counted.append)
    assert small_api.uploads == [numbers.read_bytes()]
    assert sum(counted) == numbers.stat().st_size
    assert max(counted) < numbers.stat().st_size / 3  # in pieces, never as a whole
    assert small_api.forms == [{"start_url": "https://example.com"}]
    assert (created.id, created.accepted, created.refused) == (1, 2, 1)
    assert created.refused_lines[0].reason == "There is no number in it."


async def test_a_campaign_may_come_without_a_list(small_api: "SmallApi", client: PacelineApi) -> None:
    """Without a phone list the fields alone are posted."""
    await client.create_campaign({"start_url": "https://example.com"}, None, _nothing)
    assert small_api.uploads == []


async def test_numbers_are_added_to_a_campaign(
    small_api: "SmallApi", client: PacelineApi, tmp_path: Path
) -> None:
    """A further list names its campaign and answers with its counts."""
    numbers = tmp_path / "more.csv"
    numbers.write_text("tel:+12025550100\n")
    added = await client.add_calls(7, numbers, _nothing)
    assert small_api.forms == [{"campaign_id": "7"}]
    assert (added.accepted, added.duplicates) == (3, 1)


async def test_a_list_that_cannot_be_read_is_told(client: PacelineApi, tmp_path: Path) -> None:
    """A missing file is a sentence with its name, before anything is sent."""
    with pytest.raises(Invalid, match=r"missing\.csv cannot be read: no such file or directory"):
        await client.add_calls(1, tmp_path / "missing.csv", _nothing)


async def test_a_token_is_known_or_not(small_api: "SmallApi", client: PacelineApi) -> None:
    """A wrong token is told from a right one."""
    assert await client.knows_token()
    async with PacelineApi(small_api.url, "pl_other") as stranger:
        assert not await stranger.knows_token()
        with pytest.raises(Refused, match="The token is not known") as refused:
            await stranger.campaigns()
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": "error", "error": "Campaign 3 is over."}, "Campaign 3 is over."),
        (
            {"nickname": ["It is taken."], "days": ["Say some.", "Or all."]},
            "nickname: It is taken. days: Say some. Or all.",
        ),
        ({}, "The API answered 422 without saying why; its log may tell more."),
        ("no object", "The API answered 422 without saying why; its log may tell more."),
    ],
)
async def test_every_shape_of_an_error_becomes_a_sentence(
    small_api: "SmallApi", client: PacelineApi, answer: object, sentence: str
) -> None:
    """The API's published error shapes are read aloud, and anything else is told as that."""
    small_api.instead = web.json_response(answer, status=422)
    with pytest.raises(Refused) as refused:
        await client.start(3)
    assert refused.value.message == sentence


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>Welcome to nginx</html>", content_type="text/html"),
        web.Response(text="{", content_type="application/json"),
        web.json_response({"some": "object"}),
        web.json_response([{"campaign": "of another kind"}]),
    ],
    ids=["html", "broken JSON", "an object", "other objects"],
)
async def test_what_is_not_paceline_is_told(
    small_api: "SmallApi", client: PacelineApi, answer: web.Response
) -> None:
    """Another program at the address is told as that, with the setting to check."""
    small_api.instead = answer
    with pytest.raises(NotPaceline, match=r"is not Paceline's API: check PACELINE_API\."):
        await client.campaigns()


async def test_nobody_at_the_address_is_told() -> None:
    """Where nothing listens, the sentence says how to start a Paceline or where to point at one."""
    async with PacelineApi("http://127.0.0.1:1", "pl_x") as api:
        with pytest.raises(NothingAnswers) as nobody:
            await api.campaigns()
    assert nobody.value.message == (
        "No Paceline answers at http://127.0.0.1:1: start one with `paceline up`, or set PACELINE_API."
    )


@pytest.mark.parametrize("url", ["not an address", "ftp://example.com", "http://"])
async def test_an_address_that_is_none_is_told(url: str) -> None:
    """A PACELINE_API that is no web address is named."""
    async with PacelineApi(url, "pl_x") as api:
        with pytest.raises(Missing, match="PACELINE_API is not a web address"):
            await api.campaigns()


@pytest.mark.parametrize("token", [None, "", "  "])
async def test_a_missing_token_is_told(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    """Without a token the sentence says where one is to be had."""
    monkeypatch.delenv("PACELINE_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("PACELINE_TOKEN", token)
    with pytest.raises(Missing, match=r"PACELINE_TOKEN is not set: .*paceline token create"):
        PacelineApi.from_environment()


async def test_the_environment_names_the_platform(
    small_api: "SmallApi", monkeypatch: pytest.MonkeyPatch
) -> None:
    """PACELINE_API and PACELINE_TOKEN are all that a client needs; a trailing slash does not matter."""
    monkeypatch.setenv("PACELINE_API", small_api.url + "/")
    monkeypatch.setenv("PACELINE_TOKEN", "pl_test\n")
    async with PacelineApi.from_environment() as api:
        assert await api.campaigns() == []
