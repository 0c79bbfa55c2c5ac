"""The delivery rooms of the public API, for the command line."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from pydantic import TypeAdapter

from services.cli.client.api import PacelineApi
from services.cli.deliveries.shapes import Delivery, DeliveryStory, DisabledReceiver, Enabled, Replay

_DELIVERIES: Final = TypeAdapter(list[Delivery])
_RECEIVERS: Final = TypeAdapter(list[DisabledReceiver])


class DeliveryApi(PacelineApi):
    """A client of the API that knows deliveries."""

    async def deliveries(self, wanted: Mapping[str, str]) -> list[Delivery]:
        """Return a page of deliveries; `wanted` holds state, campaign_id, after and limit."""
        return self._read(_DELIVERIES, await self._get(f"/api/deliveries?{urlencode(wanted)}"))

    async def delivery(self, call_id: int) -> DeliveryStory:
        """Return one delivery with its log; raises `Refused` if there is none."""
        return self._read_model(DeliveryStory, await self._get(f"/api/deliveries/{call_id}"))

    async def replay(self, call_id: int) -> None:
        """Queue one delivery again."""
        await self._post(f"/api/deliveries/{call_id}/replay", {})

    async def replay_range(self, wanted: Mapping[str, str]) -> Replay:
        """Queue many again; `wanted` holds campaign_id, from, to, state and validate_only."""
        return self._read_model(Replay, await self._post("/api/deliveries/replay", wanted))

    async def disabled_receivers(self) -> list[DisabledReceiver]:
        """Return the receivers that want no more."""
        return self._read(_RECEIVERS, await self._get("/api/receivers/disabled"))

    async def enable_receiver(self, url: str) -> Enabled:
        """Send to a receiver again."""
        return self._read_model(Enabled, await self._post("/api/receivers/enable", {"url": url}))
