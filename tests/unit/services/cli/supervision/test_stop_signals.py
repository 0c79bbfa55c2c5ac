"""Requests to stop."""

import os
import signal

from services.cli.supervision.stop_signals import StopSignals


async def test_each_further_request_has_less_patience() -> None:
    """The first signal asks for an orderly stop, the second one for a quick one, the third one waits for nothing."""
    signals = StopSignals()
    signals.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    await signals.asked.wait()
    assert not signals.hurried.is_set()
    os.kill(os.getpid(), signal.SIGINT)
    await signals.hurried.wait()
    assert not signals.impatient.is_set()
    os.kill(os.getpid(), signal.SIGINT)
    await signals.impatient.wait()


def test_who_gives_up_waits_for_nothing() -> None:
    """The stop itself is still asked for by somebody."""
    signals = StopSignals()
    signals.give_up()
    assert (signals.asked.is_set(), signals.hurried.is_set(), signals.impatient.is_set()) == (
        False,
        True,
        True,
    )
