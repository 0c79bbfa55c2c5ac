"""What a pacer remembers of its last count."""

from shared.adapters.postgres.caps import COUNT_LASTS_SECONDS, LEFT_BY_A_COUNT_CALLS, LastCount
from shared.ports.planning import Room

MUCH = LEFT_BY_A_COUNT_CALLS + 1


def test_a_count_that_left_much_serves_for_a_moment() -> None:
    """Then it is counted again, as it is when what it left has been claimed."""
    count = LastCount()
    assert count.room(100.0) is None
    count.keep(Room(dialers=MUCH, plenty=True), 100.0, capped=False)
    assert count.room(100.0 + COUNT_LASTS_SECONDS) == Room(dialers=MUCH, plenty=True)
    assert count.room(100.1 + COUNT_LASTS_SECONDS) is None
    count.left -= 2
    assert count.room(100.0) is None


def test_a_count_that_found_little_serves_nobody_and_is_remembered_as_scarce() -> None:
    """So that the next look takes the lock before it counts; caps of one's own say nothing of the others."""
    count = LastCount()
    count.keep(Room(dialers=MUCH, tenant=3, plenty=False), 100.0, capped=True)
    assert count.room(100.0) is None
    assert count.was_scarce == {True: True, False: False}
    count.keep(Room(dialers=MUCH, plenty=True), 100.0, capped=True)
    assert count.was_scarce == {True: False, False: False}
