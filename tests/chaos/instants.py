"""The clock by which a run is judged: the machine's monotonic one, which every process of it shares."""

import time


def now() -> float:
    """Return the instant, in seconds; only differences mean anything."""
    return time.monotonic()  # noqa: TID251 - real processes are watched, in real time
