"""Processes together: started, watched, restarted and stopped. They are real ones, of a few lines each."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.cli.supervision import child as child_module
from services.cli.supervision.child import ChildFailed, Role
from services.cli.supervision.data_folder import DataFolder
from services.cli.supervision.stop_signals import StopSignals
from services.cli.supervision.supervisor import Supervisor

READY = """
import json, os, signal, sys, threading, pathlib
from subprocess import Popen
def ready():
    path = pathlib.Path(os.environ["PACELINE_READY_FILE"])
    path.with_suffix(".draft").write_text(json.dumps({"service": "x", "port": int(os.environ.get("PORT", 4711))}))
    path.with_suffix(".draft").replace(path)
"""
WILLING = READY + "ready()\nthreading.Event().wait()"
#: Ends by itself, with a word, after it was ready.
STUBBORN = READY + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready()\nthreading.Event().wait()"
#: Needs to be told twice.
PATIENT = (
    READY
    + """
told = 0
def hear(*_):
    global told
    told += 1
    if told == 2:
        print("hurried", flush=True)
        os._exit(0)
signal.signal(signal.SIGTERM, hear)
ready()
while True:
    signal.pause()
"""
)
FAILING = "print('the reason'); raise SystemExit(3)"
PARENT = READY + "p = Popen(['sleep', '1000'])\nprint(p.pid, flush=True)\nready()\nthreading.Event().wait()"


class Story:
    """A supervisor with what it said."""

    def __init__(self, path: Path, patience_seconds: float) -> None:
        self.folder = DataFolder(path)
        self.signals = StopSignals()
        self.said: list[str] = []
        self.changed = asyncio.Event()
        self.supervisor = Supervisor(
            self.folder,
            signals=self.signals,
            say=self.said.append,
            on_change=self.changed.set,
            patience_seconds=patience_seconds,
        )


@contextlib.asynccontextmanager
async def _story(path: Path, *, patience_seconds: float = 60.0) -> AsyncIterator[Story]:
    story = Story(path, patience_seconds)
    async with story.supervisor:
        yield story


def _role(
    name: str,
    program: str,
    *,
    stop_seconds: float = 10.0,
    hurry_seconds: float = 10.0,
    port_setting: str | None = None,
) -> Role:
    return Role(
        name=name,
        service=name,
        command=(sys.executable, "-c", program),
        environment={},
        stop_seconds=stop_seconds,
        hurry_seconds=hurry_seconds,
        port_setting=port_setting,
    )


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_processes_start_and_nothing_remains(tmp_path: Path) -> None:
    """Every process answers inside the block, and none is left after it."""
    async with _story(tmp_path) as story:
        api, _ = await story.supervisor.start(_role("api", WILLING), _role("pacer", WILLING))
        pids = story.supervisor.pids()
        assert api.port == 4711
        assert sorted(pids) == ["api", "pacer"]
    assert all(map(_is_gone, pids.values()))
    assert story.said == []


async def test_a_process_that_dies_at_its_start_is_quoted(tmp_path: Path) -> None:
    """When one process does not come up, the error has its last words and the others are stopped."""
    with pytest.raises(ChildFailed, match="the reason") as failed:
        async with _story(tmp_path) as story:
            await story.supervisor.start(_role("pacer", WILLING), _role("api", FAILING))
    assert "The api ended at its start (status 3)" in failed.value.message
    assert str(story.folder.log_file("api")) in failed.value.message
    assert story.supervisor.pids() == {}


async def test_a_process_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts and says nothing is killed at the deadline, and that is told."""
    monkeypatch.setattr(child_module, "READY_SECONDS", 0.2)
    with pytest.raises(ChildFailed, match="did not answer within"):
        async with _story(tmp_path) as story:
            await story.supervisor.start(_role("api", "import threading; threading.Event().wait()"))
    assert story.supervisor.pids() == {}


async def test_a_killed_process_is_started_again_where_it_was(tmp_path: Path) -> None:
    """After SIGKILL there is a new process on the port of the old one, and one line says so."""
    async with _story(tmp_path) as story:
        (api,) = await story.supervisor.start(_role("api", WILLING, port_setting="PORT"))
        before = story.supervisor.pids()["api"]
        api.port = 4712  # as if the system had chosen it
        os.kill(before, signal.SIGKILL)
        await asyncio.wait_for(story.changed.wait(), 60)
        after = story.supervisor.pids()["api"]
        assert after != before
        assert api.port == 4712
    assert len(story.said) == 1
    assert "The api ended (SIGKILL); it is started again" in story.said[0]
    assert _is_gone(after)


async def test_a_process_that_keeps_dying_is_tried_again(tmp_path: Path) -> None:
    """A process that cannot start any more is tried again and again, until it can."""
    switch = tmp_path / "broken"
    program = f"import pathlib\nif pathlib.Path({str(switch)!r}).exists(): raise SystemExit(7)\n" + WILLING
    async with _story(tmp_path) as story:
        await story.supervisor.start(_role("pacer", program))
        switch.touch()
        os.kill(story.supervisor.pids()["pacer"], signal.SIGTERM)
        await _until(lambda: len(story.said) >= 2)
        switch.unlink()
        await asyncio.wait_for(story.changed.wait(), 60)
    assert "(SIGTERM); it is started again in 0.2 s" in story.said[0]
    assert "(status 7); it is started again in 0.4 s" in story.said[1]


async def test_what_a_process_started_does_not_outlive_it(tmp_path: Path) -> None:
    """A killed dialer's own processes are cleared away with it."""
    async with _story(tmp_path) as story:
        (dialer,) = await story.supervisor.start(_role("dialer", PARENT))
        grandchild = int(dialer.log.read_text().split()[0])
        os.kill(story.supervisor.pids()["dialer"], signal.SIGKILL)
        await asyncio.wait_for(story.changed.wait(), 60)
        await _until(lambda: _is_gone(grandchild) or _is_zombie(grandchild))


def _is_zombie(pid: int) -> bool:
    """Tell an orphan that nobody has buried yet: the init process of a container may never do so."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_process_that_ignores_the_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that does not end in its time is killed: nothing remains."""
    monkeypatch.setattr(child_module, "LAST_SECONDS", 0.1)
    async with _story(tmp_path) as story:
        await story.supervisor.start(_role("api", STUBBORN, stop_seconds=0.1, hurry_seconds=0.1))
        pid = story.supervisor.pids()["api"]
    assert _is_gone(pid)


async def _answer(story: Story, request: asyncio.Event) -> None:
    """Press Ctrl-C when something is said."""
    await _until(lambda: bool(story.said))
    request.set()


async def test_a_dialer_that_was_told_to_hurry_may_record_its_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs up and is let be for as long as that may take, unless somebody will not wait even so long."""
    monkeypatch.setattr(child_module, "LAST_SECONDS", 0.1)
    async with _story(tmp_path, patience_seconds=0.2) as story:
        await story.supervisor.start(_role("dialer", STUBBORN, stop_seconds=60, hurry_seconds=50))
        pid = story.supervisor.pids()["dialer"]
        story.signals.hurried.set()
        answering = asyncio.create_task(_answer(story, story.signals.impatient))
    await answering
    assert story.said == ["Waiting up to 50 s for the last results; Ctrl-C again leaves them."]
    assert _is_gone(pid)


async def test_a_second_request_hurries_a_dialer(tmp_path: Path) -> None:
    """A dialer that drains is told again when the person is in a hurry, and a line says how."""
    async with _story(tmp_path, patience_seconds=0.2) as story:
        (dialer,) = await story.supervisor.start(_role("dialer", PATIENT, stop_seconds=60))
        answering = asyncio.create_task(_answer(story, story.signals.hurried))
    await answering
    # Where the machine is busy more is said while the dialer hurries.
    assert story.said[0] == "Waiting up to 60 s for calls to end; Ctrl-C again hangs up."
    assert dialer.log.read_text() == "hurried\n"


async def test_calls_end_before_what_is_under_them(tmp_path: Path) -> None:
    """The API is still there while the dialer ends."""
    order = tmp_path / "order"
    noting = READY + (
        "def end(*_):\n"
        "    with open('PATH', 'a') as file: file.write('NAME ')\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nready()\nthreading.Event().wait()"
    )
    async with _story(tmp_path) as story:
        await story.supervisor.start(
            *(
                _role(name, noting.replace("PATH", str(order)).replace("NAME", name))
                for name in ("api", "dialer")
            )
        )
    assert order.read_text() == "dialer api "
