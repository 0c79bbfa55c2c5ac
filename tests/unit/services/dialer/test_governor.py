"""How much a dialer says that it can take."""

from services.dialer.governor import LEAST, Governor


def test_a_dialer_that_keeps_up_takes_what_it_was_set_to() -> None:
    """Nothing missed, or one in ten: its word is the setting."""
    governor = Governor(200)
    governor.saw(leased=100, missed=0)
    assert governor.settle() == 200
    governor.saw(leased=90, missed=10)
    assert governor.settle() == 200
    assert governor.settle() == 200


def test_a_dialer_that_misses_instants_halves_its_word_down_to_a_few() -> None:
    """Each overrun look halves it, and a few calls always remain, so that it can find out when all is well."""
    governor = Governor(200)
    words = []
    for _ in range(8):
        governor.saw(leased=1, missed=1)
        words.append(governor.settle())
    assert words == [100, 50, 25, 12, 6, LEAST, LEAST, LEAST]


def test_its_word_comes_back_in_small_steps() -> None:
    """After an overrun each quiet look adds a fortieth of the setting, and never more than the setting."""
    governor = Governor(200)
    governor.saw(leased=0, missed=5)
    assert [governor.settle(), governor.settle(), governor.settle()] == [100, 105, 110]
    for _ in range(30):
        governor.settle()
    assert governor.most == 200


def test_a_small_dialer_stays_within_its_setting() -> None:
    """A dialer set to two calls never says four."""
    governor = Governor(2)
    governor.saw(leased=0, missed=5)
    assert governor.settle() == 2


def test_rings_that_nobody_could_hear_in_time_say_nothing_about_a_dialer() -> None:
    """Excused, it judges nothing by the first rings that it hears again, whenever that is; the next ones count."""
    governor = Governor(200)
    governor.excuse()
    assert governor.settle() == 200
    governor.saw(leased=0, missed=50)
    assert governor.settle() == 200
    governor.saw(leased=0, missed=50)
    assert governor.settle() == 100
