"""When a process that died is started again: at once the first time, slower when it keeps dying."""

#: So short that a call that is about to be placed is not late, so long that a crash loop leaves the machine alone.
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
#: A process that lived so long did not die of its start: the next death counts as the first.
STABLE_SECONDS = 30.0


def deaths_in_a_row(before: int, *, lived_seconds: float) -> int:
    """Count a death after so many `before` it, when the process had lived so long."""
    return 1 if lived_seconds >= STABLE_SECONDS else before + 1


def restart_delay_seconds(deaths: int) -> float:
    """Return how long to wait after so many deaths in a row, the last included: 0.2, 0.4, 0.8 … 5."""
    # Beyond this many doublings the longest delay is reached; a larger power is not worth computing.
    doublings = min(deaths - 1, 10)
    return min(FIRST_DELAY_SECONDS * 2.0**doublings, LONGEST_DELAY_SECONDS)
