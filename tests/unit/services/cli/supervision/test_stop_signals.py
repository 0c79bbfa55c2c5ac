"""Requests to stop."""

import os
import signal

from services.cli.supervision.stop_signals import StopSignals


async def test_the_second_request_hurries() -> None:
    """The first signal asks for an orderly stop, the second one for a quick one."""
    signals = StopSignals()
    signals.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    await signals.asked.wait()
    assert not signals.hurried.is_set()
    os.kill(os.getpid(), signal.SIGINT)
    await signals.hurried.wait()
