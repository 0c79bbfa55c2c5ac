"""How every service runs: settings, logs, uvloop, and an orderly end on SIGTERM or Ctrl-C."""

import asyncio
import gc
import os
import signal
import sys
import zoneinfo
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Final

import structlog
import uvloop

from shared.domain.errors import PacelineError
from shared.failpoints import arm
from shared.observability.logs import configure_logs
from shared.settings import Settings

_log = structlog.get_logger()

#: What a service is told: that it shall stop, and by a second signal that it shall hurry.
Serve = Callable[[Settings, "StopRequest"], Awaitable[None]]

_REFUSED_EXIT: Final = 1
#: The objects of a long list are gone with its answer, those of a call with its end: the collector, which by itself
#: comes every 700 of them, would look at them again and again for nothing.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
#: Time for a loop's last word, which Redis has half a second to take.
_CANCEL_AGAIN_SECONDS: Final = 2.0


class StopRequest:
    """The two wishes of whoever stops a service."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def signalled(self) -> None:
        """Note one more signal."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


def run_service(name: str, serve: Serve, settings: Settings | None = None) -> None:
    """Run a service to its end; a refusal to start is one sentence on standard error and exit status 1."""
    settings = settings or Settings()
    configure_logs(service=name, level=settings.log_level, log_format=settings.log_format)
    try:
        # The pinned tzdata decides calling hours, not what the machine happens to have.
        zoneinfo.reset_tzpath(to=())
        arm(os.environ)
        uvloop.run(_serve(serve, settings))
    except PacelineError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - for the person who started the service
        raise SystemExit(_REFUSED_EXIT) from error


def spare_the_collector() -> None:
    """Have it look neither at what lives as long as the process nor at everything that a moment makes.

    A full collection among a thousand calls stops their audio for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


async def _serve(serve: Serve, settings: Settings) -> None:
    request = StopRequest()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, request.signalled)
    _log.info("service_starts")
    await serve(settings, request)
    _log.info("service_ends")


async def run_until(stop: asyncio.Event, *loops: Coroutine[Any, Any, None]) -> None:
    """Run endless loops side by side until asked to stop; the first that fails ends all, and its error is raised."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    await end({*tasks, stopping})
    errors = [task.exception() for task in tasks if not task.cancelled()]
    for error in filter(None, errors):
        raise error


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all are done.

    Once is not always enough: `asyncio.wait_for` before Python 3.12, which the Redis client sends with, forgets a
    cancellation that comes in the moment in which what it waits for is done, and an endless loop goes on.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_SECONDS)
