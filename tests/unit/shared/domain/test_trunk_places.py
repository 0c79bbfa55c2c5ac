"""Places on one trunk: every second and every channel, whoever asks and whenever the legs really leave."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fence import attempt_fence, is_second_leg
from shared.domain.trunk_places import SEND_WITHIN_SECONDS, TrunkCaps, TrunkFull, TrunkUse

#: From the instant of a place to the wire, in seconds.
Ways = st.floats(0, SEND_WITHIN_SECONDS)
#: Pause before a leg is asked for, how long it may wait, and how long its way is.
Asked = st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 2), Ways), max_size=80)


@given(rate=st.sampled_from([0.5, 1, 2, 2.5, 3, 10, 50]), asked=Asked)
def test_no_second_holds_more_wherever_it_starts(
    rate: float, asked: list[tuple[float, float, float]]
) -> None:
    """Counted at the wire; a rate of a half is one in two seconds."""
    use = TrunkUse("a", TrunkCaps(calls_per_second=rate))
    calls = max(1, int(rate))
    now, sent = 1_700_000_000.0, []
    for pause, patience, way in asked:
        now += pause
        try:
            instant = use.take(now, now + patience)
        except TrunkFull:
            continue
        assert now <= instant <= now + patience
        sent.append(instant + way)
    sent.sort()
    # A whole such time, less what a number this large cannot say.
    assert all(bisect_left(sent, at + calls / rate - 1e-6) - place <= calls for place, at in enumerate(sent))


@pytest.mark.parametrize("rate", [1, 4, 10, 100])
def test_a_trunk_carries_nearly_all_that_its_rate_says(rate: int) -> None:
    """Asked without a pause for a minute: no more than the way to the wire is lost of each second."""
    use = TrunkUse("a", TrunkCaps(calls_per_second=rate))
    taken = 0
    while (instant := use.take(0.0, 1000.0)) < 60:
        taken += 1
        assert instant >= 0
    assert 0.95 * 60 * rate <= taken <= 60 * rate


def test_no_more_legs_than_channels() -> None:
    """One that is over makes room for one."""
    use = TrunkUse("a", TrunkCaps(channels=3), legs=2)
    assert use.take(5.0, 5.0) == 5.0
    with pytest.raises(TrunkFull, match="All 3 channels of the trunk a are in use"):
        use.take(5.0, 9.0)
    use.legs -= 1
    assert use.take(6.0, 6.0) == 6.0


def test_what_was_sent_before_counts() -> None:
    """Instants that others took are the beginning; a leg that cannot wait so long is refused in words."""
    use = TrunkUse("a", TrunkCaps(calls_per_second=2), instants=[10.0, 10.2])
    with pytest.raises(TrunkFull, match="takes 2 calls a second"):
        use.take(10.5, 11.0)
    assert 11.0 < use.take(10.5, 11.5) < 11.05


def test_who_asks_after_its_time_has_no_place() -> None:
    """Even of a trunk that is free."""
    with pytest.raises(TrunkFull, match="in time"):
        TrunkUse("a", TrunkCaps(channels=1)).take(2.0, 1.0)


@pytest.mark.parametrize(
    ("leg", "second"),
    [("abc", False), ("abc.1", False), ("abc.t1", True), ("abc.t2.1", True), ("abc.t1.t1", True)],
)
def test_a_leg_is_known_by_its_name(leg: str, second: bool) -> None:
    """Whose it is, and whether it is one more beside the call itself."""
    assert attempt_fence(leg) == "abc"
    assert is_second_leg(leg) is second
