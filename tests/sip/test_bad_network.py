"""A network that swaps, doubles and loses: what is heard is in order all the same."""

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from shared.adapters.sip_trunk.espeak import speak
from shared.adapters.sip_trunk.wav import read_wav
from shared.telephony.port import Answered, DigitPressed, RecordingEnded
from tests.sip.callee import PATIENCE_SECONDS, callee, need
from tests.sip.caller import Drawer, call_to, caller, place, trunk
from tests.sip.ear import Ear, correlation, linear, open_ear
from tests.sip.real_time import in_real_time
from tests.sip.voices import quiet, tones

FRAME: Final = 160
KEYS: Final = "2583"
WORDS: Final = "Please call me back tomorrow."


def audio(sound: bytes) -> list[bytes]:
    """Return sound as packets of PCMU."""
    frames = [sound[at : at + FRAME].ljust(FRAME, b"\xff") for at in range(0, len(sound), FRAME)]
    return [struct.pack("!BBHII", 0x80, 0, n, n * FRAME, 7) + frame for n, frame in enumerate(frames)]


def keys(pressed: str) -> list[bytes]:
    """Return keys by RFC 4733, each of 100 ms with its end told three times and a pause of 60 ms behind it."""
    packets: list[bytes] = []
    for turn, key in enumerate(pressed):
        for step in range(8):
            flags, duration = (10, FRAME * (step + 1)) if step < 5 else (0x8A, FRAME * 5)
            fields = (len(packets), 8 * FRAME * turn, 7, int(key), flags, duration)
            packets.append(struct.pack("!BBHIIBBH", 0x80, 101, *fields))
    return packets


def spoiled(packets: list[bytes], rng: Random) -> Iterator[tuple[bytes, ...]]:
    """Yield what arrives in each 20 ms: neighbours may change places, some come twice, and one in twenty never."""
    order = list(packets)
    for at in range(1, len(order) - 1, 2):
        if rng.random() < 0.3:
            order[at], order[at + 1] = order[at + 1], order[at]
    for packet in order:
        fate = rng.random()
        yield () if fate < 0.05 else (packet, packet) if fate < 0.2 else (packet,)


async def send(ear: Ear, packets: list[bytes], seed: int) -> None:
    """Send packets to the dialer through this network, at the pace of a call."""
    loop = asyncio.get_running_loop()
    to, due = await ear.source, loop.time()
    for arriving in spoiled(packets, Random(seed)):
        for packet in arriving:
            ear.transport.sendto(packet, to)
        due += 0.02
        await asyncio.sleep(max(0, due - loop.time()))


@in_real_time
async def test_a_recording_is_in_order(tmp_path: Path) -> None:
    """What the callee said is kept as it was said, each piece once; where a packet was lost there is silence."""
    need("espeak-ng", "espeak-ng")
    said, drawer = speak(WORDS, "en-US"), Drawer()
    async with (
        open_ear() as (ear, port),
        callee(
            tmp_path, "listens", options=("-key", "ear_port", str(port), "-key", "formats", "0 101")
        ) as far,
        caller(trunk(far.port), drawer=drawer) as telephony,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        live = await place(telephony, call_to())
        talking: asyncio.Task[None] | None = None
        async for event in live.events():
            match event:
                case Answered():
                    await live.record("message", longest_seconds=30, stop_keys="")
                    talking = asyncio.create_task(send(ear, audio(quiet(0.2) + said + quiet(0.4)), seed=1))
                    talking.add_done_callback(lambda _: asyncio.ensure_future(live.stop_recording()))
                case RecordingEnded():
                    await live.hang_up()
                case _:
                    pass
        assert talking is not None
        await talking
        assert await far.verdict() == 0, far.log()
    kept = linear(read_wav(drawer.kept["message"]).data)
    assert correlation(kept, linear(said)) > 0.9


def key_tones() -> bytes:
    """Return the keys as tones (ITU-T Q.23), of 120 ms each."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    places = (divmod(int(key) - 1, 3) for key in KEYS)
    sounds = (tones(rows[row], columns[column], seconds=0.12) + quiet(0.12) for row, column in places)
    return quiet(0.2) + b"".join(sounds) + quiet(0.3)


@pytest.mark.parametrize(("formats", "packets"), [("0 101", keys(KEYS)), ("0", audio(key_tones()))])
@in_real_time
async def test_keys_are_heard_once_each_in_their_order(
    tmp_path: Path, formats: str, packets: list[bytes]
) -> None:
    """As events, and as tones where the callee knows no events."""
    heard = ""
    async with (
        open_ear() as (ear, port),
        callee(
            tmp_path, "listens", options=("-key", "ear_port", str(port), "-key", "formats", formats)
        ) as far,
        caller(trunk(far.port)) as telephony,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        live = await place(telephony, call_to())
        talking: asyncio.Task[None] | None = None
        async for event in live.events():
            if isinstance(event, Answered):
                talking = asyncio.create_task(send(ear, packets, seed=2))
                talking.add_done_callback(lambda _: asyncio.ensure_future(live.hang_up()))
            elif isinstance(event, DigitPressed):
                heard += event.key
        assert talking is not None
        await talking
        assert await far.verdict() == 0, far.log()
    assert heard == KEYS
