"""All processes of a platform together: started side by side, each restarted when it dies, stopped in order."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from services.cli.supervision.child import Child, ChildFailed, Role, how_it_ended
from services.cli.supervision.data_folder import DataFolder
from services.cli.supervision.lifeline import Lifeline
from services.cli.supervision.log_file import put_aside_when_long
from services.cli.supervision.restart import deaths_in_a_row, restart_delay_seconds
from services.cli.supervision.stop_signals import StopSignals

#: How often the logs' lengths are looked at: a log grows by kilobytes a second, its limit is 10 MB.
LOG_WATCH_SECONDS = 10.0
#: A stop that takes longer is explained.
PATIENCE_SECONDS = 1.0
#: Who is stopped first, so that nothing is pulled away under a call that is still on.
CALL_MAKERS = frozenset({"pacer", "dialer"})


class Supervisor:
    """Owns the processes from their start to the end of its block.

    `say` tells a person in one line; `on_change` hears that a process has a new id.
    """

    def __init__(
        self,
        folder: DataFolder,
        *,
        signals: StopSignals,
        say: Callable[[str], None],
        on_change: Callable[[], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._folder = folder
        self._signals = signals
        self._say = say
        self._on_change = on_change
        self._patience_seconds = patience_seconds
        self._lifeline = Lifeline()
        self._children: list[Child] = []
        self._watches: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._watches.append(asyncio.create_task(self._bound_logs()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        with self._lifeline:
            await self._stop([child for child in self._children if child.role.service in CALL_MAKERS])
            await self._stop(self._children)

    async def start(self, *roles: Role) -> Sequence[Child]:
        """Start processes side by side and watch them from then on; raises `ChildFailed` if one does not come up."""
        children = [Child(role, self._folder, self._lifeline) for role in roles]
        self._children += children
        outcomes = await asyncio.gather(*(child.start() for child in children), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._watches += [asyncio.create_task(self._keep(child)) for child in children]
        return children

    def pids(self) -> dict[str, int]:
        """Return the process ids by name."""
        return {child.role.name: child.pid for child in self._children if child.pid is not None}

    async def _keep(self, child: Child) -> None:
        """Restart the process whenever it dies, for ever."""
        deaths = 0
        while True:
            status = await child.ended()
            lived = asyncio.get_running_loop().time() - child.started_at
            deaths = deaths_in_a_row(deaths, lived_seconds=lived)
            delay = restart_delay_seconds(deaths)
            self._say(
                f"The {child.role.name} ended ({how_it_ended(status)}); it is started again in {delay:.1f} s. "
                f"Its log: {child.log}"
            )
            await asyncio.sleep(delay)
            try:
                await child.start()
            except ChildFailed:
                continue  # its death is told above, by the next round
            self._on_change()

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_WATCH_SECONDS)
            for child in self._children:
                await asyncio.to_thread(put_aside_when_long, child.log)

    async def _stop(self, children: Sequence[Child]) -> None:
        stopping = asyncio.gather(*(child.stop(self._signals) for child in children))
        await asyncio.wait([stopping], timeout=self._patience_seconds)
        if not stopping.done() and not self._signals.hurried.is_set():
            longest = max(child.role.stop_seconds for child in children)
            self._say(f"Waiting up to {longest:.0f} s for calls to end; Ctrl-C again hangs up.")
            await _first(stopping, self._signals.hurried)
        await asyncio.wait([stopping], timeout=self._patience_seconds)
        if not stopping.done() and not self._signals.impatient.is_set():
            longest = max(child.role.hurry_seconds for child in children)
            self._say(f"Waiting up to {longest:.0f} s for the last results; Ctrl-C again leaves them.")
        await stopping


async def _first(stopping: "asyncio.Future[list[None]]", hurried: asyncio.Event) -> None:
    """Wait until all have ended or somebody is in a hurry."""
    hurry = asyncio.create_task(hurried.wait())
    hurry_or_end: list[asyncio.Future[Any]] = [stopping, hurry]
    await asyncio.wait(hurry_or_end, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
