"""The public API, asked with the browser's own token: the dashboard has no rights of its own.

What the API refuses, the page is told in the API's words. Anything else that goes wrong is one fact for
whoever looks at the page: the API is away.
"""

import re

import aiohttp
import orjson
from yarl import URL

from services.dashboard.campaigns import Listed, read_campaigns
from shared.domain.errors import PacelineError, Unavailable

#: RFC 6750 section 2.1; the length is that of no token anybody made by hand.
_BEARER = re.compile(r"Bearer [A-Za-z0-9._~+/-]{1,512}=*")
#: Refusals that say something about the asker, and go to the page as they are.
REFUSALS = frozenset({401, 403, 429})
#: About ten thousand campaigns; more is no list for a page that asks every second.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
LONGEST_SENTENCE = 300
#: A page that waits longer for its figures is told that they are stale instead.
ASK_TIMEOUT = aiohttp.ClientTimeout(total=3, connect=1)


class ApiRefused(PacelineError):
    """The API refused the token."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class ApiAway(Unavailable):
    """The API does not answer: the figures are shown again as soon as it does."""


class PublicApi:
    """The campaigns of whoever a token belongs to."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, patience: aiohttp.ClientTimeout = ASK_TIMEOUT
    ) -> None:
        self._session = session
        self._patience = patience
        self._campaigns_url = URL(url) / "api" / "campaigns"

    async def campaigns(self, authorization: str) -> Listed:
        """Return the campaigns that this Authorization header opens.

        Raises ApiRefused, ApiAway, and NotCampaigns for an answer that is no list of campaigns.
        """
        if _BEARER.fullmatch(authorization) is None:
            raise ApiRefused(401, "Send a token of the API as Authorization: Bearer TOKEN.")
        status, body = await self._ask(authorization)
        if status in REFUSALS:
            raise ApiRefused(status, _sentence(body) or "The API refused the token.")
        if status != 200:  # noqa: PLR2004 - HTTP's own word for success
            raise ApiAway(_sentence(body) or f"The API answered with status {status}: its log says why.")
        return read_campaigns(body)

    async def _ask(self, authorization: str) -> tuple[int, bytes]:
        """Return the status and the body, which is no longer than MAX_ANSWER_BYTES."""
        headers = {"Authorization": authorization, "Accept": "application/json"}
        try:
            async with self._session.get(
                self._campaigns_url, headers=headers, allow_redirects=False, timeout=self._patience
            ) as answer:
                return answer.status, await _bounded(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiAway from error


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for part in content.iter_chunked(64 * 1024):
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise ApiAway("The API lists more campaigns than one page can show: delete those that are over.")
    return bytes(body)


def _sentence(body: bytes) -> str | None:
    """Return the error's sentence, as the API documents it; None for anything else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    sentence = answer.get("error") if isinstance(answer, dict) else None
    return sentence[:LONGEST_SENTENCE] if isinstance(sentence, str) and sentence else None
