"""One process of Paceline: find its service, and end when whoever started it is gone."""

import importlib
from collections.abc import Callable
from typing import cast

from services.cli.supervision.lifeline import end_with_owner


def run_service(name: str) -> None:
    """Run the service until it ends by itself or by a signal; it reads its settings from the environment."""
    end_with_owner()
    # By name, so that a pacer never loads what only the API needs.
    service = cast("Callable[[], None]", importlib.import_module(f"services.{name}.wiring").main)
    service()
