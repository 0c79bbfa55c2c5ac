"""The public API of a running Paceline, as the command line and the demonstration use it.

Whatever goes wrong on the way becomes one sentence that says what to do: nobody there, not a Paceline, a token
that is not known, a request that was refused.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.cli.client.plan_shapes import CampaignPlan
from services.cli.client.shapes import Campaign, Created, CreatedCampaign, Profile, Schedule, Upload
from services.cli.client.upload import Counter, opened_list
from services.cli.errors import Missing
from shared.domain.errors import PacelineError, Unavailable

API_SETTING: Final = "PACELINE_API"
TOKEN_SETTING: Final = "PACELINE_TOKEN"  # noqa: S105 - the name of a setting
DEFAULT_API: Final = "http://127.0.0.1:8700"

CONNECT_SECONDS: Final = 10.0
#: After the last byte of a list of millions of lines the API still checks and stores: minutes, on a small machine.
ANSWER_SECONDS: Final = 600.0

Shape = TypeVar("Shape")
Model = TypeVar("Model", bound=BaseModel)
_CAMPAIGNS: Final = TypeAdapter(list[Campaign])
_SCHEDULES: Final = TypeAdapter(list[Schedule])
_PROFILES: Final = TypeAdapter(list[Profile])


class NothingAnswers(Unavailable):
    """Nobody is at the address of the API."""

    def __init__(self, url: str) -> None:
        super().__init__(f"No Paceline answers at {url}: start one with `paceline up`, or set {API_SETTING}.")


class NotPaceline(PacelineError):
    """Something else than Paceline's API answers."""

    def __init__(self, url: str) -> None:
        super().__init__(f"What answers at {url} is not Paceline's API: check {API_SETTING}.")


class Refused(PacelineError):
    """The API did not do what it was asked to."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class CutOff(Unavailable):
    """The answer was cut off before its end: try again."""


class PacelineApi:
    """A client of the API at `url`, for the block of `async with`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
        )

    @classmethod
    def from_environment(cls) -> Self:
        """Return a client of the platform that the environment names; raises `Missing` without a token."""
        token = os.environ.get(TOKEN_SETTING, "").strip()
        if not token:
            raise Missing(
                f"{TOKEN_SETTING} is not set: `paceline up` keeps one in its data folder "
                f"(export {TOKEN_SETTING}=$(cat .paceline/token)), and `paceline token create` makes one."
            )
        return cls(os.environ.get(API_SETTING) or DEFAULT_API, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def knows_token(self) -> bool:
        """Tell whether the API accepts our token."""
        try:
            await self.schedules()
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                return False
            raise
        return True

    async def schedules(self) -> list[Schedule]:
        """Return all schedules."""
        return self._read(_SCHEDULES, await self._get("/api/schedules"))

    async def profiles(self) -> list[Profile]:
        """Return all profiles."""
        return self._read(_PROFILES, await self._get("/api/profiles"))

    async def campaigns(self) -> list[Campaign]:
        """Return all campaigns."""
        return self._read(_CAMPAIGNS, await self._get("/api/campaigns"))

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign; raises `Refused` if there is none with that id."""
        return self._read_model(Campaign, await self._get(f"/api/campaigns/{campaign_id}"))

    async def plan(self, campaign_id: int, *, days: int, simulate: bool, callees: str) -> CampaignPlan:
        """Return a campaign's plan with its first days, simulated if asked to."""
        query = f"days={days}&callees={callees}&simulate={int(simulate)}"
        return self._read_model(CampaignPlan, await self._get(f"/api/campaigns/{campaign_id}/plan?{query}"))

    async def plan_calls(self, campaign_id: int, *, days: int, callees: str) -> AsyncIterator[bytes]:
        """Yield a simulation's calls and its summary, a JSON object in each line, in pieces as they come."""
        path = f"/api/campaigns/{campaign_id}/plan/calls?days={days}&callees={callees}"
        async with self._answer("GET", path) as answer:
            async for piece in answer.content.iter_any():
                yield piece

    async def create_schedule(self, nickname: str, days: list[str]) -> Created:
        """Make a schedule."""
        answer = await self._post("/api/schedules", {"nickname": nickname, "days": json.dumps(days)})
        return self._read_model(Created, _inner(answer))

    async def create_profile(self, nickname: str, *, period: int, amount: int, gap: int) -> Created:
        """Make a profile; minutes and calls."""
        pace = {"period": str(period), "amount_per_period": str(amount), "time_between_periods": str(gap)}
        return self._read_model(
            Created, _inner(await self._post("/api/profiles", {"nickname": nickname, **pace}))
        )

    async def create_campaign(
        self, fields: Mapping[str, str], numbers: Path | None, count: Counter
    ) -> CreatedCampaign:
        """Make a campaign, with its phone list if there is one; `count` hears of the bytes that were sent."""
        answer = await self._post_list("/api/campaigns", fields, numbers, count)
        return self._read_model(CreatedCampaign, _inner(answer))

    async def add_calls(self, campaign_id: int, numbers: Path, count: Counter) -> Upload:
        """Append a phone list to a campaign."""
        fields = {"campaign_id": str(campaign_id)}
        return self._read_model(
            Upload, await self._post_list("/api/campaigns/add-calls", fields, numbers, count)
        )

    async def start(self, campaign_id: int) -> None:
        """Start or resume a campaign."""
        await self._post("/api/campaigns/start", {"campaign_id": str(campaign_id)})

    async def stop(self, campaign_id: int) -> None:
        """Stop a campaign; it keeps its numbers."""
        await self._post("/api/campaigns/stop", {"campaign_id": str(campaign_id)})

    async def _get(self, path: str) -> object:
        return await self._request("GET", path)

    async def _post(self, path: str, fields: Mapping[str, str]) -> object:
        return await self._request("POST", path, aiohttp.FormData(dict(fields)))

    async def _post_list(
        self, path: str, fields: Mapping[str, str], numbers: Path | None, count: Counter
    ) -> object:
        # The small fields first: an API that streams the list has then read them when it begins.
        form = aiohttp.FormData(dict(fields), default_to_multipart=True)
        if numbers is None:
            return await self._request("POST", path, form)
        with opened_list(numbers, count) as file:
            form.add_field("phone_numbers", file, filename=numbers.name, content_type="text/csv")
            return await self._request("POST", path, form)

    async def _request(self, method: str, path: str, form: aiohttp.FormData | None = None) -> object:
        async with self._answer(method, path, form) as answer:
            return await answer.json()

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, form: aiohttp.FormData | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, for the block of `async with`; whatever goes wrong in it becomes one of our errors."""
        try:
            async with self._session.request(
                method, self.url + path, data=form, allow_redirects=False
            ) as answer:
                if answer.status != HTTPStatus.OK:
                    raise Refused(answer.status, _refusal(answer.status, await answer.text(errors="replace")))
                yield answer
        except aiohttp.ContentTypeError as error:
            raise NotPaceline(self.url) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Missing(f"{API_SETTING} is not a web address: it looks like {DEFAULT_API}.") from error
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise NothingAnswers(self.url) from error
        except aiohttp.ClientPayloadError as error:
            raise CutOff from error
        except (aiohttp.ClientError, json.JSONDecodeError) as error:
            raise NotPaceline(self.url) from error

    def _read(self, shape: TypeAdapter[Shape], answer: object) -> Shape:
        try:
            return shape.validate_python(answer)
        except ValidationError as error:
            raise NotPaceline(self.url) from error

    def _read_model(self, model: type[Model], answer: object) -> Model:
        return self._read(TypeAdapter(model), answer)


def _inner(answer: object) -> object:
    """Take what was made out of its envelope; what has none is refused as a shape later."""
    return answer.get("response") if isinstance(answer, dict) else answer


def _refusal(status: int, text: str) -> str:
    """Turn an error of the API into one sentence, whichever of its shapes it has."""
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        answer = None
    match answer:
        case {"error": str(sentence)}:
            return sentence
        case dict() as fields if fields and all(isinstance(value, list) for value in fields.values()):
            return " ".join(f"{name}: {' '.join(map(str, value))}" for name, value in fields.items())
        case _:
            return f"The API answered {status} without saying why; its log may tell more."
