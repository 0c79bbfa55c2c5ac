"""The circuit breakers of receivers, kept in Postgres so that what one deliverer learns all of them know.

Only origins that have failed lately have a row: in fair weather there is nothing to read and nothing to write.
"""

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from datetime import datetime

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.circuit import Circuit, CircuitState, TriesReport, after_report, unknown_origin
from shared.ports.delivering import CircuitTurn

_SQL = queries("delivering")


async def judge(connection: asyncpg.Connection, reports: Mapping[str, TriesReport]) -> list[CircuitTurn]:
    """Let each origin's circuit become what the reports make of it; return those that opened or closed.

    The caller's transaction holds the lock of claims, so that no report is lost between reading and writing.
    """
    if not reports:
        return []
    known = {row["origin"]: _circuit(row) for row in await connection.fetch(_SQL["circuits"], list(reports))}
    if not known and not any(report.failed for report in reports.values()):
        return []
    now: datetime = await connection.fetchval(_SQL["deliverer_now"])
    judged = {
        origin: after_report(known.get(origin) or unknown_origin(now), report, now)
        for origin, report in reports.items()
    }
    await _write(connection, judged, known)
    return list(_turns(judged, known))


async def _write(
    connection: asyncpg.Connection, judged: Mapping[str, Circuit], known: Mapping[str, Circuit]
) -> None:
    forgotten = [origin for origin, circuit in judged.items() if circuit.is_forgettable and origin in known]
    if forgotten:
        await connection.execute(_SQL["forget_circuits"], forgotten)
    kept = [
        (origin, *astuple(circuit))
        for origin, circuit in judged.items()
        if not circuit.is_forgettable and circuit != known.get(origin)
    ]
    if kept:
        await connection.executemany(_SQL["remember_circuit"], kept)


def _turns(judged: Mapping[str, Circuit], known: Mapping[str, Circuit]) -> Iterator[CircuitTurn]:
    for origin, circuit in judged.items():
        before = known[origin].state if origin in known else CircuitState.CLOSED
        if (before is CircuitState.CLOSED) != (circuit.state is CircuitState.CLOSED):
            yield CircuitTurn(origin=origin, circuit=circuit)


def _circuit(row: asyncpg.Record) -> Circuit:
    return Circuit(
        state=CircuitState(row["state"]),
        window_began_at=row["window_began_at"],
        samples=row["samples"],
        failures=row["failures"],
        times_opened=row["times_opened"],
        shut_until=row["shut_until"],
    )
