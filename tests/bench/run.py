"""Measures Paceline on this machine; every figure stands beside another of the same run.

Machines are noisy and shared: what holds is the ratio of two rows, not a row. `make bench ARGS="attempts"` runs one
part; without a name all run, save for what takes long. Nothing here is a test, and no test is timed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's folder is on the path, the project's is not
sys.path.insert(0, str(Path(__file__).parent))

import api
import attempts
import ceiling
import pacing
import queues
import sip
import tick_cost
import timing
import upload
import voicexml
import webhooks
import windows
from rows import Row, Table, show
from stage import Stage

Found = Sequence[Row | Table]

#: On real servers.
PARTS: dict[str, Callable[[Stage], Awaitable[Found]]] = {
    "api": api.measure,
    "attempts": attempts.measure,
    "ceiling": ceiling.measure,
    "queues": queues.measure,
    "webhooks": webhooks.measure,
    "timing": timing.measure,
    "ticks": tick_cost.measure,
    "upload": upload.measure,
}
#: Only when they are named: they take minutes, to fill the disk with gigabytes or to wait for calls to be forgotten.
ON_REQUEST = {"ticks", "soak"}
#: On sockets of their own, without servers.
ALONE: dict[str, Callable[[], Awaitable[Found]]] = {
    "sip": sip.measure,
    "soak": sip.measure_soak,
}
#: On a simulated clock.
SIMULATED: dict[str, Callable[[], Awaitable[Found]]] = {
    "pacing": pacing.measure,
    "windows": windows.measure,
    "voicexml": voicexml.measure,
}


async def main() -> None:
    """Run the parts that were asked for and print their rows."""
    unstaged = SIMULATED | ALONE
    names = [*unstaged, *PARTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        help=f"any of {', '.join(names)}; all but {', '.join(ON_REQUEST)} when none is named",
    )
    chosen = parser.parse_args().parts or [name for name in names if name not in ON_REQUEST]
    unknown = [part for part in chosen if part not in names]
    if unknown:
        parser.error(f"there is no part {unknown[0]}: choose from {', '.join(names)}")
    began = time.perf_counter()
    for part in chosen:
        if part in unstaged:
            show(part, await unstaged[part]())
    if real := [part for part in chosen if part in PARTS]:
        with tempfile.TemporaryDirectory() as folder:
            async with Stage.open(Path(folder)) as stage:
                for part in real:
                    show(part, await PARTS[part](stage))
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    asyncio.run(main())
