"""The circuit breakers of receivers, kept in Postgres so that what one deliverer learns all of them know.

Each is of one tenant and one origin. Were it the origin's alone, a tenant with a URL that always fails would shut a
shared receiver for everybody, by mistake or on purpose; that a receiver which is down is found out by each tenant anew
costs ten tries.

Only origins that have failed lately have a row: in fair weather there is nothing to read and nothing to write.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from datetime import datetime

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.circuit import Circuit, CircuitState, TriesReport, after_report, unknown_origin
from shared.ports.delivering import CircuitTurn, TenantOrigin

_SQL = queries("delivering")


async def judge(
    connection: asyncpg.Connection, reports: Mapping[TenantOrigin, TriesReport]
) -> list[CircuitTurn]:
    """Let each origin's circuit become what the reports make of it; return those that opened or closed.

    The caller's transaction holds the lock of claims, so that no report is lost between reading and writing.
    """
    if not reports:
        return []
    found = await connection.fetch(_SQL["circuits"], *_columns(reports))
    known = {TenantOrigin(row["tenant_id"], row["origin"]): _circuit(row) for row in found}
    if not known and not any(report.failed for report in reports.values()):
        return []
    now: datetime = await connection.fetchval(_SQL["deliverer_now"])
    judged = {
        pair: after_report(known.get(pair) or unknown_origin(now), report, now)
        for pair, report in reports.items()
    }
    await _write(connection, judged, known)
    return list(_turns(judged, known))


async def _write(
    connection: asyncpg.Connection,
    judged: Mapping[TenantOrigin, Circuit],
    known: Mapping[TenantOrigin, Circuit],
) -> None:
    forgotten = [pair for pair, circuit in judged.items() if circuit.is_forgettable and pair in known]
    if forgotten:
        await connection.execute(_SQL["forget_circuits"], *_columns(forgotten))
    kept = [
        (*pair, *astuple(circuit))
        for pair, circuit in judged.items()
        if not circuit.is_forgettable and circuit != known.get(pair)
    ]
    if kept:
        await connection.executemany(_SQL["remember_circuit"], kept)


def _turns(
    judged: Mapping[TenantOrigin, Circuit], known: Mapping[TenantOrigin, Circuit]
) -> Iterator[CircuitTurn]:
    for pair, circuit in judged.items():
        before = known[pair].state if pair in known else CircuitState.CLOSED
        if (before is CircuitState.CLOSED) != (circuit.state is CircuitState.CLOSED):
            yield CircuitTurn(goes_to=pair, circuit=circuit)


def _columns(pairs: Iterable[TenantOrigin]) -> tuple[list[int], list[str]]:
    listed = list(pairs)
    return [pair.tenant_id for pair in listed], [pair.origin for pair in listed]


def _circuit(row: asyncpg.Record) -> Circuit:
    return Circuit(
        state=CircuitState(row["state"]),
        window_began_at=row["window_began_at"],
        samples=row["samples"],
        failures=row["failures"],
        times_opened=row["times_opened"],
        shut_until=row["shut_until"],
    )
