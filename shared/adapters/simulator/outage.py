"""A trunk that can be taken away: while a file exists, no simulated call can leave. For drills and tests."""

from collections.abc import Callable
from pathlib import Path

#: Why no call can leave now, None while calls can.
Trouble = Callable[[], str | None]


def never() -> str | None:
    """Have no trouble."""
    return None


def while_exists(path: Path | None) -> Trouble:
    """Return what says that the simulated trunk is gone while the file exists; without a path it never is."""
    if path is None:
        return never
    words = f"the simulated trunk is gone: calls go on when the file {path.name} is removed"
    return lambda: words if path.exists() else None
