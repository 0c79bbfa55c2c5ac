"""How long a dialer may take to end: what it waits for itself, and what whoever stops it has to wait for.

The one is derived from the other, so that no supervisor kills a dialer that is still recording its calls.
"""

from typing import Final

#: An application may run on for so long after the hang-up, to submit what it has.
AFTER_HANG_UP_SECONDS: Final = 30.0
#: After the hang-up, an application's last request and the result must still be written.
HANG_UP_SECONDS: Final = AFTER_HANG_UP_SECONDS + 10.0
#: A post that is under way is ended and recorded, and connections are closed.
CLOSING_SECONDS: Final = 10.0


def longest_end_seconds(*, webhook_seconds: float) -> float:
    """Return how long a dialer may take once it hangs up, when a receiver has so long to answer."""
    return HANG_UP_SECONDS + webhook_seconds + CLOSING_SECONDS
