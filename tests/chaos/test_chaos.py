"""The whole platform, hurt at random for a while: `make chaos` does the same for as long as you like."""

import os
import sys
from pathlib import Path

from tests.chaos.trial import Trial, run_trial


async def test_random_crashes_ring_nobody_twice_and_lose_no_result(tmp_path: Path) -> None:
    """Whatever is killed, frozen, flushed or restarted: at most one call per attempt, one result per number."""
    trial = Trial(
        numbers=int(os.environ.get("CHAOS_NUMBERS", "1000")),
        seconds=float(os.environ.get("CHAOS_SECONDS", "60")),
        seed=int(os.environ.get("CHAOS_SEED", "20261121")),
        tell=lambda line: print(line, file=sys.stderr),  # noqa: T201 - the seed and the table, for who reads the log
    )
    report = await run_trial(trial, tmp_path)
    trial.tell(report.text())
    assert report.is_clean, report.text()
