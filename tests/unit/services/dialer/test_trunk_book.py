"""A dialer follows its operator's trunks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from services.dialer import trunk_book
from shared.domain.errors import Unavailable
from shared.ports.trunks import TrunkRecord, UsableTrunks


@dataclass
class Store(UsableTrunks):
    """Says one thing after the other."""

    answers: list[list[TrunkRecord] | Exception] = field(default_factory=list)

    @override
    async def usable(self) -> list[TrunkRecord]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def record(name: str) -> TrunkRecord:
    """Return a trunk."""
    return TrunkRecord(
        name=name, host="192.0.2.1", port=5060, username=None, caller_id=None, prefix="", priority=1,
        channels=None, calls_per_second=None, pings=True,
    )  # fmt: skip


async def test_trunks_stay_in_use_while_they_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Postgres is away for a moment: calls go on through what is known, and changes come when it is back."""
    monkeypatch.setattr(trunk_book, "LOOK_SECONDS", 0.0)
    used: list[list[str]] = []
    done = asyncio.Event()

    def use(records: Sequence[TrunkRecord]) -> None:
        used.append([found.name for found in records])
        if len(used) == 2:
            done.set()

    store = Store([[record("a")], Unavailable("Postgres is away."), [record("a"), record("b")], [], [], []])
    following = asyncio.create_task(trunk_book.follow_trunks(store, use))
    async with asyncio.timeout(60):
        await done.wait()
    following.cancel()
    assert used[:2] == [["a"], ["a", "b"]]
