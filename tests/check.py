"""Runs the tests of `make check`: groups side by side, and what failed in the crowd once more by itself.

    make check, or: python tests/check.py

Whole platforms mostly wait for one another, so their tests run beside all others, and speak when those are done.
Side by side the groups take both cores of a small machine for a quarter of an hour, and the product has limits of
wall time (Redis answers within half a second, or it is taken for lost) that a starved process misses. So a failed
test is tried once more when nothing else runs. A defect fails again; what passes is named at the end, to be mended.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The tests that start whole platforms.
PLATFORMS = ("tests/acceptance", "tests/chaos")
#: The arguments of each group; the first one is shown while it runs.
GROUPS = (tuple(f"--ignore={folder}" for folder in PLATFORMS), PLATFORMS)
#: One starved file is an accident and three are a bad day; more have a reason that a second try would hide. Files are
#: counted and not tests, since a fixture that starves takes all of its file along.
MOST_FILES_TRIED_AGAIN = 3

_PASSED, _FAILED = 0, 1  # pytest's own exit codes; every other one means that the run itself went wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One pytest process and where it keeps what failed."""

    arguments: Sequence[str]
    cache: Path

    def command(self, *more: str) -> list[str]:
        """Return how pytest is called for this group."""
        options = ["-o", f"cache_dir={self.cache}", *more]
        return [sys.executable, "-m", "pytest", *options, *self.arguments]

    def failed(self) -> list[str]:
        """Return the tests that failed, by name."""
        path = self.cache / "v" / "cache" / "lastfailed"
        return sorted(json.loads(path.read_text())) if path.exists() else []


def run(groups_arguments: Sequence[Sequence[str]]) -> int:
    """Run a pytest process for each group; 0 when every test passed, in the crowd or by itself."""
    with tempfile.TemporaryDirectory(prefix="paceline-check-") as name:
        folder = Path(name)
        groups = [
            Group(arguments=arguments, cache=folder / str(number))
            for number, arguments in enumerate(groups_arguments)
        ]
        codes = _side_by_side(groups, folder)
        failed = [test for group in groups for test in group.failed()]
        return int(any(codes)) if is_judged(codes, failed) else _again(groups, failed)


def is_judged(codes: Sequence[int], failed: Sequence[str]) -> bool:
    """Tell whether one run says all: everything passed, or so much failed that it is no accident."""
    ran = all(code in {_PASSED, _FAILED} for code in codes)
    files = {test.partition("::")[0] for test in failed}
    return not ran or not 0 < len(files) <= MOST_FILES_TRIED_AGAIN


def _side_by_side(groups: Sequence[Group], folder: Path) -> list[int]:
    """Run all groups at once, the first one's output as it comes and the others' after it; their exit codes."""
    first, *others = groups
    logs = [folder / f"{number}.log" for number, _ in enumerate(others)]
    started = [_start(group, log) for group, log in zip(others, logs, strict=True)]
    codes = [subprocess.run(first.command(), check=False).returncode]
    for group, process, log in zip(others, started, logs, strict=True):
        codes.append(process.wait())
        _tell(f"pytest {' '.join(group.arguments)}\n{log.read_text(errors='replace')}")
    return codes


def _start(group: Group, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(group.command(), stdout=output, stderr=subprocess.STDOUT)


def _again(groups: Sequence[Group], names: Sequence[str]) -> int:
    """Run what failed once more, one group after the other, and say what passes now."""
    named = "\n  ".join(("", *names))
    _tell(f"Tried once more, with nothing beside it:{named}")
    for group in groups:
        if group.failed():
            code = subprocess.run(group.command("--last-failed"), check=False).returncode
            if code != _PASSED:
                return 1
    _tell(f"FAILED IN THE CROWD, PASSED ALONE; mend what depends on a quick machine:{named}")
    return 0


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(GROUPS))
