"""A campaign's plan by HTTP: what it will do before anybody's phone rings, and a simulation of all its calls.

`GET /api/campaigns/{id}/plan` counts, and with `simulate=1` it simulates, too. `GET /api/campaigns/{id}/plan/calls` is
that simulation call by call, a JSON object in each line, and its summary in the last one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson
from aiohttp import web

from services.api.answer_in_pieces import cut_off, send_piece
from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.campaign_path import CAMPAIGN, NO_CAMPAIGN
from services.api.desk_messages import PlanParameters
from services.api.examples import CALLS_NDJSON, PLAN
from services.api.list_fields import id_of, text_of
from services.api.parameters import described, flag_of
from services.api.plan_messages import PlanAnswer
from services.api.request_body import Fields, read_fields
from services.api.routes import Operation, Route, path_id
from shared.contracts.campaign_plan import NDJSON, instant, plan_fields
from shared.domain.campaign import CampaignState, Dialect
from shared.domain.campaign_plan import CampaignPlan, campaign_plan
from shared.domain.campaign_simulation import Scenario
from shared.domain.errors import Invalid
from shared.ports.campaign_plans import (
    Callees,
    CampaignPlans,
    PlanFacts,
    PlanSnapshot,
    RunningSimulation,
    SimulationLost,
    SimulationOrder,
    Simulations,
)

#: Days that are listed one by one where nothing is said, and at most.
USUAL_DAYS: Final = 14
MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRoom:
    """The plans of campaigns."""

    plans: CampaignPlans
    simulations: Simulations
    #: How long before its instant the pacer rings for a call.
    ring_ahead: timedelta
    #: The least time between two calls to one number.
    callee_gap: timedelta

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path=f"{CAMPAIGN}/plan", handler=self.show, summary="Plan a campaign",
                operation=Operation(
                    id="planCampaign", tag="Campaigns", takes=PlanParameters, answers=PlanAnswer,
                    example=PLAN, refuses={404: NO_CAMPAIGN},
                ),
            ),
            Route(
                method="GET", path=f"{CAMPAIGN}/plan/calls", handler=self.calls,
                summary="Simulate a campaign call by call",
                operation=Operation(
                    id="simulateCampaign", tag="Campaigns", takes=PlanParameters, media_type=NDJSON,
                    example=CALLS_NDJSON, refuses={404: NO_CAMPAIGN},
                ),
            ),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.Response:
        """Return a campaign's plan, and what comes of a simulation if one is asked for."""
        campaign_id = path_id(request)
        fields = described(await read_fields(request), PlanParameters)
        wish = _wish(fields)
        if not flag_of(fields, "simulate"):
            async with self.plans.snapshot(request[TENANT], Dialect.PLUM, campaign_id) as snapshot:
                facts = snapshot.facts
            return json_answer(_shape(facts, await _plan(facts, wish), None))
        async with self._simulation(request[TENANT], campaign_id, wish, lists_calls=False) as running:
            facts, simulation = running
            summary = b"".join([piece async for piece in simulation.output()])
        return json_answer(_shape(facts, await _plan(facts, wish), summary))

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """Return every call of a simulation, in order, and in the end its summary."""
        campaign_id = path_id(request)
        wish = _wish(described(await read_fields(request), PlanParameters))
        response = web.StreamResponse(headers={"Content-Type": NDJSON})
        try:
            async with self._simulation(request[TENANT], campaign_id, wish, lists_calls=True) as running:
                async for piece in running[1].output():
                    await send_piece(request, response, piece)
        except (SimulationLost, ConnectionError) as error:
            if not response.prepared:
                raise
            cut_off(request, error)
        return response

    @asynccontextmanager
    async def _simulation(
        self, tenant_id: int, campaign_id: int, wish: "_Wish", *, lists_calls: bool
    ) -> AsyncIterator[tuple[PlanFacts, RunningSimulation]]:
        """Begin a simulation and give it its line; the snapshot is let go before it computes."""
        async with self.simulations.place() as simulation:
            async with self.plans.snapshot(tenant_id, Dialect.PLUM, campaign_id) as snapshot:
                facts = snapshot.facts
                self._refuse_too_many(facts)
                order = SimulationOrder(
                    scenario=await self._scenario(snapshot),
                    callees=wish.callees,
                    most_days=wish.days,
                    lists_calls=lists_calls,
                )
                await simulation.begin(order)
                await simulation.feed(facts.returning)
                async for numbers in snapshot.numbers():
                    await simulation.feed(numbers)
            yield facts, simulation

    async def _scenario(self, snapshot: PlanSnapshot) -> Scenario:
        facts = snapshot.facts
        return Scenario(
            calendar=facts.calendar,
            start=facts.start,
            policy=facts.retry,
            horizon=self.ring_ahead,
            gap=self.callee_gap,
            hours=facts.callee_hours,
            zones=facts.zones,
            due_at=await snapshot.recent_dues(facts.numbers * facts.retry.tries),
            under_way=facts.under_way,
        )

    def _refuse_too_many(self, facts: PlanFacts) -> None:
        most = self.simulations.most_numbers
        if facts.numbers > most:
            raise Invalid(
                "simulate",
                f"The campaign has {facts.numbers} numbers to call, and {most} are simulated at most: "
                "ask for its plan without a simulation.",
            )


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a client asks for beside the campaign."""

    days: int
    callees: Callees


async def _plan(facts: PlanFacts, wish: _Wish) -> CampaignPlan:
    # In a thread: the windows of some years take a good part of a second.
    return await asyncio.to_thread(
        campaign_plan, facts.calendar, facts.start, numbers=facts.numbers, most_days=wish.days
    )


def _shape(facts: PlanFacts, plan: CampaignPlan, simulation: bytes | None) -> dict[str, object]:
    zone = facts.calendar.zone
    return {
        "campaign_id": facts.campaign_id,
        "name": facts.name,
        "status": facts.state.value,
        "held": facts.held_because,
        "time_zone": zone,
        "planned_at": instant(plan.now, zone),
        "basis": _basis(facts),
        "attempts": facts.retry.tries,
        "callee_hours": None if facts.callee_hours is None else str(facts.callee_hours),
        "calls_in_progress": sum(attempt.left for attempt in facts.under_way),
        **plan_fields(plan, zone),
        "simulation": None if simulation is None else orjson.Fragment(simulation),
    }


def _basis(facts: PlanFacts) -> str:
    """Say what the plan goes out from."""
    if facts.state is not CampaignState.RUNNING:
        return f"The campaign is {facts.state.value}: this is what it would do if it were started now."
    if facts.held_because is not None:
        return "The campaign is held: this is what it would do if it were released now."
    return "The campaign is RUNNING: this is what it has left to do."


def _wish(fields: Fields) -> _Wish:
    days = id_of(fields, "days")
    if days is None:
        days = USUAL_DAYS
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("days", f"The days that are listed must be from 1 to {MOST_DAYS}.")
    return _Wish(days, _callees(fields))


def _callees(fields: Fields) -> Callees:
    text = text_of(fields, "callees") or Callees.POPULATION
    if text not in set(Callees):
        raise Invalid(
            "callees", "The callees are population (the simulator's) or answer (everybody answers)."
        )
    return Callees(text)
