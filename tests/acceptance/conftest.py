"""A platform as a user starts it: `paceline up` in a process of its own, with everything it brings.

A test that wants other settings overrides `platform_environment` or `platform_options` in its module; one that
needs a platform of its own calls `start_platform`. Whatever way a platform ends, nothing of it may remain.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.adapters.embedded.servers import EmbeddedServers

ROOT = Path(__file__).parents[2]
#: A first start makes a database cluster and starts seven processes; on two busy cores that takes a while. No test is
#: about this: what is not there by then never comes.
READY_SECONDS = 240
#: Longer than the drain time below, and than the longest that a dialer may take after it.
STOP_SECONDS = 120
#: For what is killed to be gone.
GONE_SECONDS = 60
POLL_SECONDS = 0.02
DEFAULTS = {
    "PACELINE_EGRESS_ALLOW": '["127.0.0.0/8", "::1/128"]',
    "PACELINE_SIMULATOR_SPEED": "50",
    "PACELINE_DRAIN_SECONDS": "10",
    "NO_COLOR": "1",
}


class Platform:
    """A running `paceline up`."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str], options: Sequence[str]) -> None:
        self.data_dir = data_dir
        self.ready_file = data_dir.with_suffix(".ready")
        self.ready_file.unlink(missing_ok=True)  # a killed platform could not take its own away
        earlier_starts = len(list(data_dir.parent.glob(f"{data_dir.name}.*.out")))
        self.output_file = data_dir.with_suffix(f".{earlier_starts + 1}.out")
        self.environment = {**clean_environment(), **DEFAULTS, **environment}
        self._family: dict[int, str] = {}
        self._facts: dict[str, Any] = {}
        self._is_stopped = False
        self._brings_servers = "--own-servers" not in options
        with self.output_file.open("xb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--data-dir", data_dir, "--port", "0", "--dashboard-port", "0",
                 "--ready-file", self.ready_file, *options],
                cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    @property
    def api(self) -> str:
        """The API's address."""
        return str(self._facts["api"])

    @property
    def dashboard(self) -> str:
        """The dashboard's address."""
        return str(self._facts["dashboard"])

    @property
    def token(self) -> str:
        """The first tenant's token."""
        return str(self._facts["token"])

    @property
    def database_url(self) -> str:
        """The embedded Postgres."""
        return str(self._facts["database_url"])

    @property
    def redis_url(self) -> str:
        """The embedded Redis."""
        return str(self._facts["redis_url"])

    @property
    def output(self) -> str:
        """Everything that `paceline up` has printed."""
        return self.output_file.read_text()

    def log(self, name: str) -> str:
        """Return what the process `name` has written."""
        return (self.data_dir / "logs" / f"{name}.log").read_text()

    def wait_ready(self) -> "Platform":
        """Return when all processes answer."""
        self.until(self.ready_file.exists, "it is ready", within_seconds=READY_SECONDS)
        self._facts = json.loads(self.ready_file.read_text())
        self.note_family()
        return self

    def pids(self) -> dict[str, int]:
        """Return the process ids as the ready file tells them now."""
        return dict(json.loads(self.ready_file.read_text())["processes"])

    def server_pid(self, program: str) -> int:
        """Return the process id of the embedded server whose command line begins with `program`."""
        self.note_family()
        names = {pid: Path(command.split()[0]).name for pid, command in self._family.items()}
        return next(pid for pid, name in names.items() if name == program)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the process `name` and return the id that it had."""
        self.note_family()
        pid = self.pids()[name]
        os.kill(pid, how)
        return pid

    def wait_restarted(self, name: str, old_pid: int, *, within_seconds: float = READY_SECONDS) -> int:
        """Wait until the process `name` answers again under another id, and return that."""
        self.until(lambda: self.pids()[name] != old_pid, f"{name} is back", within_seconds=within_seconds)
        return self.pids()[name]

    def until(self, condition: Callable[[], bool], what: str, *, within_seconds: float) -> None:
        """Wait for `condition`, which the running platform is to bring about."""
        deadline = time.monotonic() + within_seconds  # noqa: TID251 - tests watch real processes
        while not condition():
            status = self.process.poll()
            assert status is None, f"It ended with status {status} before {what}:\n{self.output}"
            assert time.monotonic() < deadline, f"Not seen: {what}.\n{self.output}"  # noqa: TID251 - as above
            time.sleep(POLL_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask the platform to stop, see that nothing of it remains, and return its exit status."""
        if self._is_stopped:
            return self.process.wait()
        self.note_family()
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(STOP_SECONDS)
        self.assert_nothing_remains()
        return status

    def note_family(self) -> None:
        """Remember all processes that descend from the platform now: later they may have lost their parent."""
        self._family |= descendants(self.process.pid)

    def assert_nothing_remains(self, *, within_seconds: float = GONE_SECONDS) -> None:
        """Fail if a process or a server that the platform had is still there after so long."""
        self._is_stopped = True
        deadline = time.monotonic() + within_seconds  # noqa: TID251 - tests watch real processes
        while (left := self._left()) and time.monotonic() < deadline:  # noqa: TID251 - as above
            time.sleep(POLL_SECONDS)
        assert not left, f"Still there: {left}"

    def _left(self) -> list[str]:
        listed = processes()
        left = [
            f"{pid} {command}"
            for pid, command in self._family.items()
            if listed.get(pid, (0, ""))[1] == command
        ]
        addresses = ["api", "dashboard", *(["database_url", "redis_url"] if self._brings_servers else [])]
        return left + [name for name in addresses if name in self._facts and is_listening(self._facts[name])]


def clean_environment() -> dict[str, str]:
    """Return our environment without any setting of Paceline's."""
    ours = ("PACELINE_", "DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


COMMAND = (sys.executable, "-m", "services.cli.main")


def processes() -> dict[int, tuple[int, str]]:
    """Return every living process of the machine: its parent and its command line."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="], capture_output=True, text=True, check=True
    )
    table = (line.split(None, 3) for line in listed.stdout.splitlines())
    # What has ended and waits for its parent to notice is not living any more.
    return {
        int(row[0]): (int(row[1]), row[3]) for row in table if len(row) == 4 and not row[2].startswith("Z")
    }


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of all processes below `pid`, by id."""
    listed = processes()
    family = {pid}
    while more := {child for child, (parent, _) in listed.items() if parent in family} - family:
        family |= more
    return {member: listed[member][1] for member in family - {pid} if member in listed}


def is_listening(url: str) -> bool:
    """Tell whether somebody takes connections at the host and port of `url`."""
    address = urlsplit(url)
    with contextlib.suppress(OSError), socket.create_connection((address.hostname, address.port), timeout=1):
        return True
    return False


@pytest.fixture(scope="module")
def platform_environment() -> Mapping[str, str]:
    """Settings of the module's platform, for a test module to override."""
    return {}


@pytest.fixture(scope="module")
def platform_options() -> Sequence[str]:
    """Options of `paceline up` for the module's platform, for a test module to override."""
    return ()


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory,
    platform_environment: Mapping[str, str],
    platform_options: Sequence[str],
) -> Iterator[Platform]:
    """A platform that the tests of a module share."""
    with stopped_at_the_end() as start:
        folder = tmp_path_factory.mktemp("platform") / "data"
        yield start(folder, environment=platform_environment, options=platform_options).wait_ready()


@pytest.fixture
def start_platform() -> Iterator[Callable[..., Platform]]:
    """Return what starts platforms of the test's own, not waited for; it takes a folder, settings and options."""
    with stopped_at_the_end() as start:
        yield start


@pytest.fixture
def paceline() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command line of `paceline` to its end: `paceline("campaign", "list", PACELINE_API=…)`."""

    def run(*words: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *words], cwd=ROOT, env=clean_environment() | {"NO_COLOR": "1"} | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=READY_SECONDS,
        )  # fmt: skip

    return run


@pytest.fixture
def in_background() -> Callable[..., contextlib.AbstractContextManager["subprocess.Popen[str]"]]:
    """Return what runs a command line beside the test, for the block of a `with`."""

    @contextlib.contextmanager
    def run(*words: str | Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
        process = subprocess.Popen(
            [*COMMAND, *words], cwd=ROOT, env=clean_environment() | {"NO_COLOR": "1"} | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                process.kill()

    return run


@contextlib.contextmanager
def stopped_at_the_end() -> Iterator[Callable[..., Platform]]:
    """Yield what starts platforms, and in the end stop each, see that nothing remains, and remove its data."""
    started: list[Platform] = []

    def start(
        data_dir: Path, *, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> Platform:
        platform = Platform(data_dir, environment or {}, options)
        started.append(platform)
        return platform

    try:
        yield start
    finally:
        with contextlib.ExitStack() as ends:
            # Run in reverse: what root's servers keep outside of a folder is removed when all have been stopped.
            for folder in {platform.data_dir for platform in started}:
                ends.callback(remove_data, folder)
            for platform in started:
                ends.callback(end, platform)


def remove_data(folder: Path) -> None:
    """Remove what the servers keep for the folder, wherever that is."""
    asyncio.run(EmbeddedServers(folder).remove_data())


def end(platform: Platform) -> None:
    """Stop a platform, by force if need be."""
    try:
        platform.stop()
    finally:
        platform.process.kill()
        platform.process.wait()
