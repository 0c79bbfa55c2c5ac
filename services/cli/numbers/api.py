"""The history room of the public API, for the command line."""

from urllib.parse import quote, urlencode

from services.cli.client.api import PacelineApi
from services.cli.numbers.shapes import NumberHistory


class NumberApi(PacelineApi):
    """A client of the API that knows histories."""

    async def history(self, phone_number: str, *, limit: int, cursor: str | None) -> NumberHistory:
        """Return a number's history; raises `Refused` for what is no number."""
        query = urlencode({"limit": str(limit)} | ({"cursor": cursor} if cursor else {}))
        path = f"/api/numbers/{quote(phone_number, safe='')}/history?{query}"
        return self._read_model(NumberHistory, await self._get(path))
