"""Failpoints: read once and refused in a sentence, nothing when they are not armed, what was asked when they are."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import failpoints
from shared.failpoints import (
    VARIABLE,
    BadFailpoint,
    Failpoint,
    FailpointRaised,
    arm,
    failpoint,
    failpoint_in_thread,
    failpoint_soon,
)
from shared.process import run_service
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
#: Passes a point five times, each with a line on standard output, as a service would on its loop.
PASSES = """
import asyncio, os, sys
from shared import failpoints
from shared.failpoints import Failpoint, arm, failpoint, failpoint_in_thread, failpoint_soon

async def main():
    for number in range(1, 6):
        {line}
        print(number, flush=True)

arm(os.environ)
asyncio.run(main())
"""
AWAITED = "await failpoint(Failpoint.INTENT_COMMITTED)"
IN_THREAD = "await asyncio.to_thread(failpoint_in_thread, Failpoint.INTENT_COMMITTED)"
SOON = "failpoints.SOON_SECONDS = 0.01; failpoint_soon(Failpoint.INTENT_COMMITTED); await asyncio.sleep(0.05)"


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm({})


def armed(written: str) -> None:
    """Arm as a process does."""
    arm({VARIABLE: written})


def test_the_points_are_the_eighteen_of_the_plan_in_their_order() -> None:
    """CP0 to CP17, each with a name of its own."""
    assert [point.value for point in Failpoint] == [f"CP{number}" for number in range(18)]


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
async def test_nothing_happens_when_nothing_is_armed(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Every point is passed in silence, without giving up the loop once."""
    arm(environment)
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    asyncio.get_running_loop().call_soon(count)
    for point in Failpoint:
        await failpoint(point)
        failpoint_in_thread(point)
        failpoint_soon(point)
    assert (turns, caplog.records) == (0, [])


async def test_only_the_named_point_raises_and_every_pass_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A pass says its point by both names and counts."""
    armed("CP6:raise")
    await failpoint(Failpoint.LEASED)
    for _ in range(2):
        with pytest.raises(FailpointRaised):
            await failpoint(Failpoint.INTENT_COMMITTED)
    assert caplog.messages == [
        "CP6 INTENT_COMMITTED, pass 1: raise",
        "CP6 INTENT_COMMITTED, pass 2: raise",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_a_pause_holds_the_task_and_not_the_loop() -> None:
    """While one waits at its point, others go on; on a thread it is the thread that waits."""
    armed("CP6:pause:0.05")
    order: list[str] = []

    async def pass_by(what: str) -> None:
        if what == "held":
            await failpoint(Failpoint.INTENT_COMMITTED)
        order.append(what)

    began = asyncio.get_running_loop().time()
    await asyncio.gather(pass_by("held"), pass_by("free"))
    thread = threading.Thread(target=failpoint_in_thread, args=(Failpoint.INTENT_COMMITTED,))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert order == ["free", "held"]
    assert asyncio.get_running_loop().time() - began >= 0.1


@pytest.mark.parametrize("line", [AWAITED, IN_THREAD, SOON], ids=["awaited", "in a thread", "soon"])
@pytest.mark.parametrize(("written", "seen"), [("CP6:kill", 0), ("CP6:kill:3", 2), ("CP6:kill:6", 5)])
def test_a_process_dies_by_sigkill_at_the_pass_that_was_named(line: str, written: str, seen: int) -> None:
    """What came before the pass was done, what follows it was not; a pass that never comes kills nobody."""
    process = subprocess.run(
        [sys.executable, "-c", PASSES.format(line=line)], cwd=ROOT, env=os.environ | {VARIABLE: written},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert process.returncode == (0 if seen == 5 else -signal.SIGKILL)
    assert process.stdout.split() == [str(number) for number in range(1, seen + 1)]
    assert f"pass {min(seen + 1, 5)}: kill" in process.stderr


@pytest.mark.parametrize(
    "written",
    [
        "CP6", "CP18:kill", "CP06:kill", "cp6:kill", "CP6:Kill", "CP6:die", "CP6:kill:0", "CP6:kill:-1", "CP6:kill:x",
        "CP6:kill:٣", "CP6:kill:3:4", "CP6:pause", "CP6:pause:-1", "CP6:pause:1e3", "CP6:raise:2", " CP6:kill",
        "CP6:kill\n", ":kill", "CP:kill", "CP6:" + "k" * 10_000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(written: str) -> None:
    """The sentence shows what was written, shortened, and what could be."""
    with pytest.raises(
        BadFailpoint, match=r"PACELINE_FAILPOINT cannot be read: .* Write CP6:kill,"
    ) as caught:
        armed(written)
    assert len(caught.value.message) < 200


def test_a_service_that_is_told_nonsense_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1, the sentence on standard error, and nothing served."""

    async def serve(_settings: Settings, _request: object) -> None:
        raise AssertionError("It was started.")

    monkeypatch.setenv(VARIABLE, "CP6:explode")
    with pytest.raises(SystemExit) as caught:
        run_service("pacer", serve, Settings())
    assert caught.value.code == 1
    assert "PACELINE_FAILPOINT cannot be read" in capsys.readouterr().err
    assert failpoints._armed is None
