"""How late this machine's own timers are: `timer_probe.py SECONDS PER_SECOND` prints each lateness in milliseconds.

A process of its own, on the loop that the dialer has, that does nothing else.
"""

import asyncio
import json
import sys
import time

import uvloop


async def main(seconds: float, per_second: float) -> list[float]:
    """Wait for one instant after the other; return by how much each was missed."""
    began, late = time.monotonic(), list[float]()
    for number in range(int(seconds * per_second)):
        due = began + number / per_second
        while (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        late.append((time.monotonic() - due) * 1000)
    return late


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(float(sys.argv[1]), float(sys.argv[2])))))
