"""Ctrl-C, SIGTERM and a closed terminal: one asks to stop, a second one hurries, a third waits no more."""

import asyncio
import signal


class StopSignals:
    """What the outside has asked for so far."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self.impatient = asyncio.Event()

    def listen(self) -> None:
        """Hear signals from now on, in the running loop."""
        loop = asyncio.get_running_loop()
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` has the terminal's end ignored on purpose.
            if kind is not signal.SIGHUP or signal.getsignal(kind) is not signal.SIG_IGN:
                loop.add_signal_handler(kind, self.heard)

    def heard(self) -> None:
        """Take one more request."""
        if self.hurried.is_set():
            self.impatient.set()
        (self.hurried if self.asked.is_set() else self.asked).set()

    def give_up(self) -> None:
        """Wait for nothing any more when the stop comes, whoever asks for it."""
        self.hurried.set()
        self.impatient.set()
