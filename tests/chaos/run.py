"""Hurts a whole platform at random and says what came of it: `make chaos`, or this file.

    make chaos ARGS="--numbers 6000 --seconds 600 --seed 7"

The seed draws the faults; when each falls between two instructions is the machine's own dice.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).parents[2])
)  # a script's own folder is on the path, the project's is not

from tests.chaos.trial import Trial, run_trial


def main() -> int:
    """Run the trial that the command line asks for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--numbers", type=int, default=6000, help="how many numbers are loaded (6000)")
    parser.add_argument("--seconds", type=float, default=300, help="how long the faults go on (300)")
    parser.add_argument("--seed", type=int, default=None, help="what the faults are drawn from (a new one)")
    parser.add_argument("--keep", type=Path, default=None, help="a new folder for the logs, which then stay")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    trial = Trial(numbers=chosen.numbers, seconds=chosen.seconds, seed=seed, tell=_tell)
    with tempfile.TemporaryDirectory(prefix="paceline-chaos-") as folder:
        report = asyncio.run(run_trial(trial, chosen.keep or Path(folder)))
    _tell(report.text())
    return 0 if report.is_clean else 1


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
