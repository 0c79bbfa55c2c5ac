"""Runs a command's coroutine, and lets a Ctrl-C end it without a word."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

Value = TypeVar("Value")

#: What shells say for a program that was ended by Ctrl-C.
INTERRUPTED = 130


def run(work: Coroutine[Any, Any, Value]) -> Value:
    """Run `work` to its end; a Ctrl-C cancels it, so that its blocks close what they opened."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
