"""`paceline up`: the whole platform on this machine, from the servers to the last process, and its end.

The parts are nested as they depend on one another, each a block that ends what it began: servers, then
processes, then the work on them. A request to stop is a cancellation that unwinds the blocks in order, from
wherever the start had come to.
"""

import asyncio
import contextlib
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli import wiring
from services.cli.client.api import PacelineApi
from services.cli.errors import Missing, defect_sentence, sentence_for
from services.cli.screen import Screen
from services.cli.supervision.data_folder import DataFolder, write_private_json
from services.cli.supervision.options import Plan, UpOptions, plan_for
from services.cli.supervision.ports import refuse_taken_port
from services.cli.supervision.server_watch import ServerLost, keep_server
from services.cli.supervision.stop_signals import StopSignals
from services.cli.supervision.supervisor import Supervisor
from shared.settings import Settings

#: Whom the first token of a platform belongs to.
TENANT = "demo"
TOKEN_NAME = "default"  # noqa: S105 - the name of a token, not a token


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPlatform:
    """A platform that answers."""

    api: str
    dashboard: str
    token: str
    #: What signs the tenant's results.
    webhook_secret: str
    folder: DataFolder

    @property
    def dashboard_link(self) -> str:
        """The dashboard's address with the token in the fragment, which browsers never send."""
        return f"{self.dashboard}/#token={self.token}"


#: Tells the exit status that `paceline up` will have.
Conclude = Callable[[int], None]
#: What is done on the platform once it answers. It may stay as long as the platform does, to keep serving.
Work = Callable[[RunningPlatform, Conclude], Awaitable[None]]


async def run_up(options: UpOptions, screen: Screen, work: Work | None = None) -> int:
    """Run the platform until it is asked to stop; return the exit status, or raise why it cannot run."""
    signals = StopSignals()
    signals.listen()
    up = _Up(options, screen, signals, work)
    running = asyncio.create_task(up.run())
    asked = asyncio.create_task(signals.asked.wait())
    await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        screen.say("Stopping.")
        running.cancel()
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return up.exit_status


class _Up:
    def __init__(self, options: UpOptions, screen: Screen, signals: StopSignals, work: Work | None) -> None:
        self.exit_status = 0
        self._options = options
        self._folder = options.folder
        self._screen = screen
        self._signals = signals
        self._work = work

    async def run(self) -> None:
        """Run everything; ended by a cancellation or by an error."""
        settings = Settings()
        refuse_missing_folder(self._options.ready_file)
        refuse_taken_port(settings.bind_host, self._options.api_port, "--port")
        refuse_taken_port(settings.bind_host, self._options.dashboard_port, "--dashboard-port")
        async with self._servers(settings) as servers:
            plan = plan_for(self._options, settings, servers, key_file_of(self._folder, settings))
            await wiring.migrate(servers.database_url)
            await self._run_processes(plan)

    @contextlib.asynccontextmanager
    async def _servers(self, settings: Settings) -> AsyncIterator[wiring.Servers]:
        """Bring servers of our own, or use those of the person who said so."""
        if self._options.own_servers:
            own = wiring.Servers(
                database_url=settings.required_database_url(), redis_url=settings.required_redis_url()
            )
            self._folder.make()
            yield own
            return
        if settings.database_url or settings.redis_url:
            self._screen.say(
                "DATABASE_URL and REDIS_URL are not used: `paceline up` brings servers of its own. "
                "With --own-servers it uses yours."
            )
        self._screen.say(f"Starting Postgres and Redis; their data are kept in {self._folder.path}.")
        async with wiring.embedded_servers(self._folder.path) as servers:
            yield servers

    async def _run_processes(self, plan: Plan) -> None:
        platform: RunningPlatform | None = None

        def tell_who_needs_to_know() -> None:
            if platform:
                self._write_ready_file(platform, plan.servers, supervisor.pids())

        with removed_at_the_end(self._options.ready_file), removed_at_the_end(self._folder.environment_file):
            async with (
                self._workplace() as begin_work,
                Supervisor(
                    self._folder,
                    signals=self._signals,
                    say=self._screen.say,
                    on_change=tell_who_needs_to_know,
                ) as supervisor,
            ):
                self._screen.say("Starting the API, the pacer, the dialer and the dashboard.")
                platform = await start_platform(plan, supervisor)
                self._folder.store_environment(environment_of(platform, plan))
                tell_who_needs_to_know()
                introduce(platform, self._screen)
                begin_work(platform)
                await self._stay_up(plan)

    def _write_ready_file(
        self, platform: RunningPlatform, servers: wiring.Servers, pids: dict[str, int]
    ) -> None:
        if self._options.ready_file:
            content = {
                "api": platform.api,
                "token": platform.token,
                "dashboard": platform.dashboard,
                "database_url": servers.database_url,
                "redis_url": servers.redis_url,
                "processes": pids,
            }
            write_private_json(self._options.ready_file, content)

    async def _stay_up(self, plan: Plan) -> None:
        """Stay until a server is lost for good or the stop comes as a cancellation."""
        if not plan.servers.own:  # watched by whoever runs them
            await asyncio.Event().wait()
        watches = [asyncio.create_task(keep_server(server, self._screen.say)) for server in plan.servers.own]
        async with cancelled_at_the_end(watches):
            try:
                await asyncio.gather(*watches)
            except ServerLost:
                self._signals.give_up()  # no call can be recorded any more: there is nothing to wait for
                raise

    @contextlib.asynccontextmanager
    async def _workplace(self) -> AsyncIterator[Callable[[RunningPlatform], None]]:
        """Yield what begins the work; it goes on until the end of the block.

        The processes are stopped inside: calls that end in their own time still need what the work serves them.
        """
        tasks: list[asyncio.Task[None]] = []
        async with cancelled_at_the_end(tasks):
            yield lambda platform: tasks.append(asyncio.create_task(self._do_work(platform)))

    async def _do_work(self, platform: RunningPlatform) -> None:
        if self._work:
            try:
                await self._work(platform, self._conclude)
            except Exception as error:  # noqa: BLE001 - work that failed must not take the platform with it
                if not self._signals.asked.is_set():  # else it failed because the platform ends under it
                    self._screen.say(sentence_for(error) or defect_sentence(error))
                    self._conclude(1)

    def _conclude(self, exit_status: int) -> None:
        self.exit_status = exit_status


async def start_platform(plan: Plan, supervisor: Supervisor) -> RunningPlatform:
    """Start every process and find the first tenant's token; raises `ChildFailed`."""
    api, *_ = await supervisor.start(plan.api(), *plan.call_makers())
    api_url = plan.url(api.port)
    (dashboard,) = await supervisor.start(plan.dashboard(api_url))
    token = await token_of(plan, api_url)
    return RunningPlatform(
        api=api_url,
        dashboard=plan.url(dashboard.port),
        token=token,
        webhook_secret=await wiring.webhook_secret(plan.servers.database_url, plan.key_file, tenant=TENANT),
        folder=plan.options.folder,
    )


async def token_of(plan: Plan, api_url: str) -> str:
    """Return the token of an earlier start, or a new one where the database does not know that one."""
    folder = plan.options.folder
    stored = folder.stored_token()
    if stored:
        async with PacelineApi(api_url, stored) as api:
            if await api.knows_token():
                return stored
    token = await wiring.create_token(
        plan.servers.database_url, plan.key_file, tenant=TENANT, name=TOKEN_NAME
    )
    folder.store_token(token)
    return token


def key_file_of(folder: DataFolder, settings: Settings) -> Path:
    """Return the key file that the person named, or one of the data folder's own, made at the first start."""
    if settings.secret_key_file:
        return settings.secret_key_file
    if not folder.key_file.exists():
        wiring.create_key(folder.key_file)
    return folder.key_file


def environment_of(platform: RunningPlatform, plan: Plan) -> dict[str, str]:
    """Return what every command of `paceline` needs to find this platform."""
    return {
        "PACELINE_API": platform.api,
        "PACELINE_TOKEN": platform.token,
        "DATABASE_URL": plan.servers.database_url,
        "REDIS_URL": plan.servers.redis_url,
        "PACELINE_SECRET_KEY_FILE": str(plan.key_file.absolute()),
    }


def introduce(platform: RunningPlatform, screen: Screen) -> None:
    """Tell a person where everything is."""
    screen.say(
        f"""
Paceline runs. Ctrl-C stops it.
  API        {platform.api}
  Dashboard  {platform.dashboard_link}
  Logs       {platform.folder.path / "logs"}

In another terminal:
  . {shlex.quote(str(platform.folder.environment_file))}
  {own_command()} campaign list
"""
    )


def own_command() -> str:
    """Return how a person calls this command line: by its name, or by its path in an environment like make's."""
    beside_python = Path(sys.executable).with_name("paceline")
    if shutil.which("paceline") is None and beside_python.exists():
        return str(beside_python)
    return "paceline"


def refuse_missing_folder(ready_file: Path | None) -> None:
    """Raise `Missing` now rather than fail when everything answers."""
    if ready_file and not ready_file.absolute().parent.is_dir():
        raise Missing(f"The folder of {ready_file} does not exist: make it, or choose another --ready-file.")


@contextlib.asynccontextmanager
async def cancelled_at_the_end(tasks: Sequence[asyncio.Task[None]]) -> AsyncIterator[None]:
    """Cancel the tasks that there are at the end of the block, and wait for them."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def removed_at_the_end(ready_file: Path | None) -> Iterator[None]:
    """Keep a ready file from telling of a platform that is not ready: neither before nor after."""
    if ready_file is None:
        yield
        return
    ready_file.unlink(missing_ok=True)
    try:
        yield
    finally:
        ready_file.unlink(missing_ok=True)
