"""A Redis that is away."""

from structlog.testing import capture_logs

from shared.adapters.redis.outage import PROBE_SECONDS, Outage


def test_while_redis_answers_every_write_goes() -> None:
    """Nothing is dropped in good times."""
    outage = Outage()
    outage.over()
    assert not outage.drops(0.0)
    assert outage.dropped == 0


def test_in_an_outage_only_a_probe_waits_for_redis() -> None:
    """After a failure writes are dropped unasked; one in each probe interval may try."""
    outage = Outage()
    outage.lost(OSError(), 0.0)
    assert outage.drops(PROBE_SECONDS / 2)
    assert not outage.drops(PROBE_SECONDS)
    assert outage.drops(PROBE_SECONDS + 0.1)
    assert outage.dropped == 3


def test_an_outage_is_logged_once() -> None:
    """However long it lasts, one line tells of it; the next outage gets its own."""
    outage = Outage()
    with capture_logs() as lines:
        outage.lost(OSError(), 0.0)
        outage.lost(OSError(), PROBE_SECONDS)
        outage.over()
        outage.lost(OSError(), 100.0)
    assert [line["event"] for line in lines] == ["redis_away", "redis_away"]


def test_when_redis_is_back_writes_go_again() -> None:
    """A probe that arrives ends the outage at once."""
    outage = Outage()
    outage.lost(OSError(), 0.0)
    outage.over()
    assert not outage.drops(0.1)
