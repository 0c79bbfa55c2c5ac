"""What is written, and what happens when nobody reads it."""

import io
import os

import pytest

from services.cli.screen import screen_on


def test_an_address_is_never_wrapped_or_interpreted() -> None:
    """A long address comes out in one piece, and what looks like markup stays as it is."""
    written = io.StringIO()
    address = "http://127.0.0.1:8701/#token=" + "x" * 200 + "[bold]:smile:"
    screen_on(written).say(address)
    assert written.getvalue() == address + "\n"


def test_a_pipe_gets_plain_lines() -> None:
    """On a pipe nothing moves."""
    assert not screen_on(io.StringIO()).moves


def test_a_reader_that_went_away_is_no_failure() -> None:
    """When the other end of the pipe is closed, we go on in silence."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        screen = screen_on(stream)
        os.close(reading)
        screen.say("Who hears this?")
        screen.say("Nobody.")
        assert screen.console.quiet


@pytest.mark.parametrize("setting", ["NO_COLOR", None])
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, setting: str | None) -> None:
    """With NO_COLOR set, nothing is coloured even on a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    if setting:
        monkeypatch.setenv(setting, "1")
    written = io.StringIO()
    screen_on(written).console.print("[red]loud[/red]")
    assert ("\x1b[31m" in written.getvalue()) is (setting is None)
