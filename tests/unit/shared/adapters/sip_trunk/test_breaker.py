"""When a trunk counts as gone, and when as back."""

from shared.adapters.sip_trunk.breaker import SILENCES_TO_OPEN, Breaker


def breaker() -> Breaker:
    """Return that of a trunk of which nothing is known yet."""
    return Breaker(name="carrier (10.0.0.1:5060)")


def test_a_trunk_of_which_nothing_is_known_takes_calls() -> None:
    """Nobody waits for the first keep-alive."""
    assert breaker().trouble(0.0) is None


def test_a_refusal_by_the_network_counts_at_once_and_any_answer_heals() -> None:
    """Nobody listens: that is proof; somebody answers: that is too."""
    trunk = breaker()
    trunk.answered(ping=True)
    trunk.refused(1.0)
    words = trunk.trouble(1.0)
    assert words is not None
    assert "carrier (10.0.0.1:5060)" in words
    assert not words.endswith(".")
    assert trunk.trouble(1000.0) is not None
    trunk.answered(ping=True)
    assert trunk.trouble(1001.0) is None


def test_silence_counts_when_it_is_repeated() -> None:
    """One datagram may be lost."""
    trunk = breaker()
    for turn in range(SILENCES_TO_OPEN):
        assert trunk.trouble(0.0) is None, turn
        trunk.silent(0.0)
        assert trunk.doubtful
    assert trunk.trouble(0.0) is not None


def test_a_trunk_that_never_answered_keep_alives_is_not_judged_by_them() -> None:
    """Some carriers drop OPTIONS, and carry calls all the same."""
    trunk = breaker()
    for _ in range(10):
        trunk.silent(0.0, ping=True)
    assert trunk.trouble(0.0) is None
    assert not trunk.doubtful


def test_such_a_trunk_is_tried_again_by_a_call_after_a_while() -> None:
    """Nothing else could find out that it is back."""
    trunk = breaker()
    for _ in range(SILENCES_TO_OPEN):
        trunk.silent(0.0)
    assert trunk.trouble(29.0) is not None
    assert trunk.trouble(31.0) is None
    trunk.took()
    assert not trunk.doubtful


def test_only_one_call_finds_out() -> None:
    """The others wait for what becomes of it: each of them would be spent on silence."""
    trunk = breaker()
    for _ in range(SILENCES_TO_OPEN):
        trunk.silent(0.0)
    assert trunk.trouble(31.0) is None
    trunk.tried(31.0)
    assert trunk.trouble(31.0) is not None
    assert trunk.trouble(60.9) is not None
    assert trunk.trouble(61.1) is None
    trunk.tried(61.1)
    trunk.took()
    assert trunk.trouble(61.2) is None


def test_a_call_through_a_trunk_that_is_well_changes_nothing() -> None:
    """There is nothing to find out."""
    trunk = breaker()
    trunk.tried(0.0)
    assert trunk.trouble(0.0) is None


def test_a_503_with_a_time_is_a_pause_of_that_time_at_most_a_minute() -> None:
    """The trunk says when to come back; a day is not believed."""
    trunk = breaker()
    trunk.overloaded(0.0, pause_seconds=7)
    assert trunk.trouble(6.9) is not None
    assert trunk.trouble(7.1) is None
    trunk.overloaded(10.0, pause_seconds=86_400)
    assert trunk.trouble(69.0) is not None
    assert trunk.trouble(71.0) is None


def test_one_503_without_a_time_is_about_one_call_and_three_in_a_row_about_the_trunk() -> None:
    """A call that is taken in between starts the count anew."""
    trunk = breaker()
    for _ in range(2):
        trunk.overloaded(0.0, pause_seconds=None)
    trunk.took()
    for _ in range(2):
        trunk.overloaded(0.0, pause_seconds=None)
    assert trunk.trouble(0.0) is None
    trunk.overloaded(0.0, pause_seconds=None)
    assert trunk.trouble(0.0) is not None
    assert trunk.trouble(6.0) is None


def test_a_trunk_that_refuses_again_and_again_is_left_alone_even_if_it_asks_for_no_time() -> None:
    """`Retry-After: 0` with every 503 would have the same numbers dialled without pause."""
    trunk = breaker()
    for turn in range(3):
        assert trunk.trouble(0.1 * turn) is None
        trunk.overloaded(0.1 * turn, pause_seconds=0)
    assert trunk.trouble(0.3) is not None
    assert trunk.trouble(6.0) is None


def test_a_pause_is_not_cut_short_by_a_later_503() -> None:
    """Calls that were on their way when it was asked for are refused, too."""
    trunk = breaker()
    trunk.overloaded(0.0, pause_seconds=30)
    trunk.overloaded(0.1, pause_seconds=1)
    assert trunk.trouble(20.0) is not None
