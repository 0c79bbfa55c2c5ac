"""What a session may use of its process: much at once, and little for ever."""

import pytest

from shared.adapters.interpreter.allowance import SHARE, SPARE_SECONDS, Allowance


@pytest.mark.parametrize(
    ("each_seconds", "every_seconds", "answers"),
    [
        (0.003, 1.0, 3_600),  # an ordinary application, for an hour
        (0.3, 30.0, 120),  # the largest document that may be, again and again
        (SHARE, 1.0, 3_600),  # as much as is given
    ],
)
def test_a_session_that_waits_for_its_caller_is_never_short(
    each_seconds: float, every_seconds: float, answers: int
) -> None:
    """However long the call lasts."""
    allowance = Allowance(SPARE_SECONDS, 100.0)
    assert all(
        allowance.spend(each_seconds, 100.0 + every_seconds * number) for number in range(1, answers + 1)
    )


@pytest.mark.parametrize(
    ("each_seconds", "every_seconds", "most_answers"),
    [(0.4, 0.4, 9), (0.004, 0.004, 800), (0.5, 5.0, 13), (3.1, 0.0, 1)],
)
def test_a_session_that_waits_for_nobody_is_soon_over_its_share(
    each_seconds: float, every_seconds: float, most_answers: int
) -> None:
    """Each of its answers is within every limit, and all of them together are not."""
    allowance = Allowance(SPARE_SECONDS, 0.0)
    within = [allowance.spend(each_seconds, every_seconds * number) for number in range(1, most_answers + 1)]
    assert not within[-1]


def test_what_was_not_used_is_saved_up_to_a_bound() -> None:
    """An hour of silence gives no more than there was at the beginning."""
    allowance = Allowance(SPARE_SECONDS, 0.0)
    assert allowance.spend(SPARE_SECONDS, 3_600.0)
    assert not allowance.spend(SPARE_SECONDS, 3_601.0)
