"""What people see: lines on a pipe, and a moving picture on a terminal.

Nothing here may end a platform: when the reader of our output is gone, we go on in silence.
"""

import io
import os
from typing import IO

from rich.console import Console
from typing_extensions import override


class PatientConsole(Console):
    """A console that falls silent when nobody reads, where rich's own would end the program."""

    @override
    def on_broken_pipe(self) -> None:
        self.fall_silent()

    def fall_silent(self) -> None:
        """Write nothing from now on, also not what is still buffered when the interpreter ends."""
        self.quiet = True
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
        except io.UnsupportedOperation:
            """A file in memory has no descriptor, and its reader cannot go away."""


class Screen:
    """Where a command writes. NO_COLOR and pipes are respected by the console."""

    def __init__(self, console: PatientConsole) -> None:
        self.console = console

    @property
    def moves(self) -> bool:
        """Whether a picture may be drawn anew in place."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def say(self, text: str) -> None:
        """Write text as it is: an address must be copied whole, so nothing is wrapped or coloured."""
        try:
            self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)
        except OSError:  # the terminal was closed
            self.console.fall_silent()

    def write(self, text: str) -> None:
        """Write lines for a program to read: rich would make spaces of their tabs."""
        try:
            self.console.file.write(f"{text}\n")
            self.console.file.flush()
        except OSError:
            self.console.fall_silent()


def screen_on(stream: IO[str] | None = None) -> Screen:
    """Return a screen on `stream`, or on standard output."""
    return Screen(PatientConsole(file=stream, highlight=False))
