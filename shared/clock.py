"""The one place that reads a clock. Everything else takes the time as an argument.

What decides anything is read from Postgres; this clock stamps what never decides: signatures, logs, names.
"""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the machine's idea of now, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the clock that the ban sends people to


def monotonic_seconds() -> float:
    """Return the running loop's clock as it stands now; the loop itself remembers when its iteration began.

    asyncio and uvloop count from the same instant as this. What must not be late is judged by it right before it is
    done, and a witness notes it: a long iteration would hide in the loop's own word.
    """
    return time.monotonic()  # noqa: TID251 - as above


def epoch_seconds() -> float:
    """Return the machine's idea of now as seconds since 1970."""
    return time.time()  # noqa: TID251 - as above
