"""What the page shows, put together from the public API and the scoreboard.

The campaigns are the asker's own, as the API gave them. From the scoreboard come their calls by minute, and
of the platform only what concerns everybody alike: whether there are dialers and pacers, and how late they are.
How many calls other tenants have under way is nobody's business here; `/metrics` tells the operator.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.dashboard.campaigns import Listed
from shared.observability.metrics import DIALER_CAPACITY, EVENT_LOOP_LAG_MS
from shared.ports.scoreboard import ProcessReport, ScoreboardAway, ScoreboardReader, summed_gauges

#: The sparkline's span.
MINUTES_SHOWN = 60


async def live(listed: Listed, scoreboard: ScoreboardReader, *, now: datetime) -> Mapping[str, Any]:
    """Return the page's JSON; without the scoreboard its parts are null, and the page says so."""
    try:
        processes = await scoreboard.processes()
        minutes = await scoreboard.calls_by_minute(
            [campaign.campaign_id for campaign in listed.shown], until=now, minutes=MINUTES_SHOWN
        )
    except ScoreboardAway:
        return view(listed, processes=None, minutes=None)
    return view(listed, processes=processes, minutes=minutes)


def view(
    listed: Listed, *, processes: Iterable[ProcessReport] | None, minutes: Mapping[int, list[int]] | None
) -> Mapping[str, Any]:
    """Put the answer together.

    `calls_by_minute` has one count per minute, oldest first, the last minute not over yet; it is empty where
    no call was placed lately, and null where nobody knows.
    """
    return {
        "campaigns": [
            {
                **campaign.model_dump(),
                "calls_by_minute": None if minutes is None else minutes.get(campaign.campaign_id, []),
            }
            for campaign in listed.shown
        ],
        "campaigns_in_all": listed.campaigns,
        "calls_in_progress": listed.calls_in_progress,
        "platform": None if processes is None else _platform(list(processes)),
    }


def _platform(processes: list[ProcessReport]) -> Mapping[str, Any]:
    gauges = summed_gauges(processes)
    return {
        "dialers": sum(process.service == "dialer" for process in processes),
        "pacers": sum(process.service == "pacer" for process in processes),
        "dialer_capacity": gauges.get(DIALER_CAPACITY.name, 0),
        "event_loop_lag_ms": gauges.get(EVENT_LOOP_LAG_MS.name),
    }
