"""A second leg over SIP: who hears whom, how it fails, and whose end ends what. SIPp answers for both callees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.sip_trunk.espeak import speak
from shared.domain.routing import Route
from shared.telephony.port import (
    Answered,
    CallEvent,
    Ended,
    LiveCall,
    PlayEnded,
    Silence,
    TransferAnswered,
    TransferEnded,
)
from tests.sip.callee import PATIENCE_SECONDS, Callee, callee, need_key_recordings
from tests.sip.caller import call_to, caller, place, trunk
from tests.sip.ear import correlation, linear, open_ear
from tests.sip.real_time import in_real_time
from tests.sip.voices import quiet

AGENT = "+442071838750"
WORDS = "I would like to talk to somebody, please."


@asynccontextmanager
async def two_callees(
    folder: Path, first: str, second: str, *, ear_port: int = 0
) -> AsyncIterator[tuple[LiveCall, Callee, Callee]]:
    """Call the first of two scenarios; the second is where a transfer to Britain goes."""
    keys = ("-key", "ear_port", str(ear_port), "-key", "formats", "0 101")
    (folder / "second").mkdir()
    async with (
        callee(folder, first, options=keys) as near,
        callee(folder / "second", second, options=keys) as far,
        caller(
            replace(trunk(near.port, "near"), route=Route(name="near", prefix="1")),
            replace(trunk(far.port, "far"), route=Route(name="far", prefix="44")),
        ) as telephony,
    ):
        yield await place(telephony, call_to()), near, far


class Followed:
    """A call whose events are waited for one after the other."""

    def __init__(self, live: LiveCall) -> None:
        self._events = live.events()

    async def next(self, *kinds: type[CallEvent]) -> CallEvent:
        """Return the next event of these kinds; others are passed over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for event in self._events:
                if isinstance(event, kinds):
                    return event
        raise AssertionError(f"There came no {kinds}.")


@in_real_time
async def test_who_was_called_second_hears_the_first(tmp_path: Path) -> None:
    """Joined until the application gives the second leg up; then the first hears prompts again."""
    said = speak(WORDS, "en-US")
    (tmp_path / "speech.ul").write_bytes(quiet(1.5) + said + quiet(10))
    async with (
        open_ear() as (ear, ear_port),
        two_callees(tmp_path, "speaks", "listens", ear_port=ear_port) as (live, near, far),
    ):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=True, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferAnswered, TransferEnded) == TransferAnswered()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(ear.heard()) < 8_000 * 1.7 + len(said):
                await asyncio.sleep(0.05)
        await live.end_transfer()
        ended = await call.next(TransferEnded)
        assert isinstance(ended, TransferEnded)
        assert (ended.reason, ended.talk_seconds > 1) == ("near_end_disconnect", True)
        await live.play(1, (Silence(100),), bargein=False)
        assert await call.next(PlayEnded) == PlayEnded(1, whole=True)
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()
    assert max(correlation(linear(ear.heard())[offset:], linear(said)) for offset in range(0, 160, 20)) > 0.9
    assert f"INVITE sip:{AGENT}@127.0.0.1" in far.messages()


@in_real_time
async def test_keys_are_passed_on_to_who_was_called_second(tmp_path: Path) -> None:
    """The menu behind the transfer is answered by the callee's own keys."""
    need_key_recordings()
    async with (
        open_ear() as (ear, ear_port),
        two_callees(tmp_path, "keys", "listens", ear_port=ear_port) as (live, near, far),
    ):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=True, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferAnswered, TransferEnded) == TransferAnswered()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(ends_of_keys(ear.packets)) < 9:
                await asyncio.sleep(0.05)
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()
    assert ends_of_keys(ear.packets) == [1, 1, 1, 5, 5, 5, 11, 11, 11]


def ends_of_keys(packets: list[tuple[float, int, int, int, bytes]]) -> list[int]:
    """Return the events of RFC 4733 whose end was told, each as often as it was."""
    return [payload[0] for _, kind, _, _, payload in packets if kind == 101 and payload[1] & 0x80]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ("486", "busy"),
        ("603", "noanswer"),
        ("404", "noroute"),
        ("no_answer", "noanswer"),
        ("503", "network_busy"),
    ],
)
async def test_a_leg_that_is_not_answered_says_why(tmp_path: Path, second: str, reason: str) -> None:
    """And the first callee is still on the line."""
    async with two_callees(tmp_path, "answer", second) as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        # Only who never answers is not waited for: a busy machine may take its time to refuse.
        await live.transfer(
            AGENT, bridge=True, ring_seconds=0.5 if second == "no_answer" else PATIENCE_SECONDS
        )
        assert await call.next(TransferAnswered, TransferEnded) == TransferEnded(reason)
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()


async def test_where_no_trunk_takes_the_number_there_is_no_way(tmp_path: Path) -> None:
    """Nothing is sent to anybody, and a second try may go elsewhere."""
    async with two_callees(tmp_path, "answer", "486") as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer("+4930123456", bridge=False, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferEnded) == TransferEnded("network_busy")
        assert far.messages() == ""
        await live.transfer(AGENT, bridge=False, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferEnded) == TransferEnded("busy")
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()


async def test_a_bridge_whose_far_end_hangs_up_leaves_the_first_with_us(tmp_path: Path) -> None:
    """As the standard has it: the application goes on."""
    async with two_callees(tmp_path, "answer", "callee_hangs_up") as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=True, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferAnswered, TransferEnded) == TransferAnswered()
        ended = await call.next(TransferEnded)
        assert isinstance(ended, TransferEnded)
        assert ended.reason == "far_end_disconnect"
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()


async def test_a_blind_transfer_ends_with_either_of_the_two(tmp_path: Path) -> None:
    """The application has done; the second callee's good-bye is the first one's, too."""
    async with two_callees(tmp_path, "answer", "callee_hangs_up") as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=False, ring_seconds=PATIENCE_SECONDS)
        assert await call.next(TransferEnded) == TransferEnded("transferred")
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()


@pytest.mark.parametrize("bridge", [True, False])
async def test_the_end_of_the_call_is_the_end_of_its_second_leg(tmp_path: Path, *, bridge: bool) -> None:
    """Whoever hangs up the first, a stopped campaign for example: nobody is left alone on a line."""
    async with two_callees(tmp_path, "answer", "answer") as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=bridge, ring_seconds=PATIENCE_SECONDS)
        await call.next(TransferAnswered, TransferEnded)
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()


async def test_a_leg_that_rings_is_cancelled_with_the_call(tmp_path: Path) -> None:
    """CANCEL, and the far end's 487 is acknowledged."""
    async with two_callees(tmp_path, "answer", "no_answer") as (live, near, far):
        call = Followed(live)
        await call.next(Answered)
        await live.transfer(AGENT, bridge=True, ring_seconds=PATIENCE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "180 Ringing" not in far.messages():
                await asyncio.sleep(0.02)
        await live.hang_up()
        await call.next(Ended)
        assert (await near.verdict(), await far.verdict()) == (0, 0), near.log() + far.log()
