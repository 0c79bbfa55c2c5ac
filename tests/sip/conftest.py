"""Calls run on the loop that dialers run on; the conformance suite runs them on asyncio's own."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every test of this folder on uvloop."""
    return {"uvloop": uvloop.new_event_loop}
