"""Runs a command's coroutine, and lets a Ctrl-C end it without a word."""

import asyncio
import getpass
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from shared.ports.audit import Actor, acting

Value = TypeVar("Value")

#: What shells say for a program that was ended by Ctrl-C.
INTERRUPTED = 130


def run(work: Coroutine[Any, Any, Value]) -> Value:
    """Run `work` to its end; a Ctrl-C cancels it, so that its blocks close what they opened.

    What it changes in the database is noted as done by whoever sits here.
    """
    try:
        with acting(Actor(name=f"paceline, by {_user()}")):
            return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _user() -> str:
    """Return the name of the account; its number where it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
