"""Calls through address translation: a dialer at a private address, its callees on the other side."""

import asyncio
import json
import re
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from shared.adapters.sip_trunk.espeak import speak
from tests.sip.callee import PATIENCE_SECONDS, Callee, callee
from tests.sip.ear import Ear, correlation, hear_all, linear
from tests.sip.networks import (
    AUDIO_PORTS,
    GATEWAY,
    INSIDE,
    OUTSIDE,
    PUBLIC_SIP_PORT,
    SIP_PORT,
    Networks,
    translated,
)
from tests.sip.real_time import in_real_time

ROOT: Final = Path(__file__).parents[2]
EAR_PORT: Final = 30_000
TRUNK_PORT: Final = 5060
PROMPT: Final = "Hello from the other side."
KEYS: Final = "72"
T = TypeVar("T")


class Mouth(Ear):
    """An ear that also presses keys."""

    async def press(self, keys: str, to: tuple[str, int]) -> None:
        """Send keys by RFC 4733, after a little silence as everybody does."""
        silence = [struct.pack("!BBHII", 0x80, 0, n, n * 160, 7) + b"\xff" * 160 for n in range(10)]
        for packet in (
            *silence,
            *(packet for turn, key in enumerate(keys) for packet in key_packets(turn, key)),
        ):
            self.transport.sendto(packet, to)
            await asyncio.sleep(0.02)


def key_packets(turn: int, key: str) -> list[bytes]:
    """Return one key of 120 ms, whose end is told three times."""
    steps = [*((10, 160 * step) for step in range(1, 6)), *[(0x8A, 960)] * 3]
    return [
        struct.pack(
            "!BBHIIBBH", 0x80, 101, 10 + 8 * turn + n, 4000 * (turn + 1), 7, int(key), flags, duration
        )
        for n, (flags, duration) in enumerate(steps)
    ]


@asynccontextmanager
async def open_mouth(networks: Networks) -> AsyncIterator[Mouth]:
    """Open the callee's ear and mouth, outside."""
    bound = await networks.socket_outside(EAR_PORT)
    hear_all(bound)
    transport, mouth = await asyncio.get_running_loop().create_datagram_endpoint(Mouth, sock=bound)
    try:
        yield mouth
    finally:
        transport.close()


async def dial(networks: Networks, **order: object) -> dict[str, Any]:
    """Let a dialer inside call SIPp; returns what it heard."""
    told = {
        "host": OUTSIDE, "trunk_port": TRUNK_PORT, "port": SIP_PORT, "audio_ports": AUDIO_PORTS, "prompt": PROMPT,
        "keys": len(KEYS), "advertised_host": None, "advertised_port": None,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *networks.place_inside.command, sys.executable, "-m", "tests.sip.translated_dialer",
        json.dumps(told | order), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, wrong = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, wrong.decode()
    heard: dict[str, Any] = json.loads(said.splitlines()[-1])  # before it stands what the dialer logs
    return heard


@in_real_time
async def test_both_sides_hear_each_other_through_a_translation_that_nobody_prepared(tmp_path: Path) -> None:
    """The callee sends to where the dialer's packets come from, and the way back is open: audio, keys and good-bye."""
    with translated(forwarded=False) as networks:
        async with open_mouth(networks) as mouth, outside(tmp_path, "listens", networks) as far:
            dialing = asyncio.create_task(dial(networks))
            source = await first_of(mouth.source, dialing)
            await mouth.press(KEYS, source)
            heard = await dialing
            assert await far.verdict() == 0, far.log()
    assert heard == {"keys": KEYS, "said": True, "status": 200}
    assert source[0] == GATEWAY
    assert source[1] >= 50_000, "the kernel drew another port than the description names"
    assert correlation(linear(mouth.heard()), linear(speak(PROMPT, "en-US"))) > 0.9
    assert f"Contact: <sip:{INSIDE}:{SIP_PORT}" in far.messages()
    assert f"c=IN IP4 {INSIDE}" in far.messages()


@in_real_time
async def test_a_callee_who_is_elsewhere_finds_the_dialer_at_its_advertised_address(tmp_path: Path) -> None:
    """SIP and audio come in by what the dialer advertises, and its audio goes to where the callee's comes from."""
    with translated(forwarded=True) as networks:
        async with open_mouth(networks) as mouth, outside(tmp_path, "elsewhere", networks) as far:
            dialing = asyncio.create_task(
                dial(networks, advertised_host=GATEWAY, advertised_port=PUBLIC_SIP_PORT)
            )
            await first_of(asyncio.create_task(until(lambda: "ACK sip:" in far.messages())), dialing)
            assert (await asked(networks, contact(far))).startswith("SIP/2.0 200")
            await mouth.press(KEYS, described(far))
            heard = await dialing
            assert await far.verdict() == 0, far.log()
    assert heard == {"keys": KEYS, "said": True, "status": 200}
    assert contact(far) == (GATEWAY, PUBLIC_SIP_PORT)
    assert mouth.source.result() == described(far)
    assert f"Via: SIP/2.0/UDP {GATEWAY}:{PUBLIC_SIP_PORT};" in far.messages()
    assert INSIDE not in far.messages()


def outside(folder: Path, scenario: str, networks: Networks) -> AbstractAsyncContextManager[Callee]:
    """Start SIPp outside, where the dialer's trunk leads."""
    options = ("-key", "ear_port", str(EAR_PORT), "-key", "formats", "0 101")
    return callee(folder, scenario, options=options, port=TRUNK_PORT, place=networks.place_outside)


async def first_of(wanted: "asyncio.Future[T]", dialing: "asyncio.Task[dict[str, Any]]") -> T:
    """Wait for what the dialer is to bring about; raises what ended it where it never does."""
    either: set[asyncio.Future[Any]] = {wanted, dialing}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    assert wanted.done(), dialing.result()
    return wanted.result()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about."""
    while not condition():
        await asyncio.sleep(0.02)


def contact(far: Callee) -> tuple[str, int]:
    """Return where the dialer says that requests reach it."""
    found = re.search(r"^Contact: <sip:([0-9.]+):([0-9]+)", far.messages(), flags=re.MULTILINE)
    assert found is not None
    return found[1], int(found[2])


def described(far: Callee) -> tuple[str, int]:
    """Return where the dialer says that audio reaches it."""
    found = re.search(
        r"^c=IN IP4 (\S+)\s.*?^m=audio ([0-9]+)", far.messages(), flags=re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1], int(found[2])


async def asked(networks: Networks, to: tuple[str, int]) -> str:
    """Ask somebody by OPTIONS, from an address that it has never sent anything to; returns the answer."""
    loop = asyncio.get_running_loop()
    with await networks.socket_outside() as stranger:
        here = "{}:{}".format(*stranger.getsockname())
        lines = [
            f"OPTIONS sip:{to[0]}:{to[1]} SIP/2.0", f"Via: SIP/2.0/UDP {here};branch=z9hG4bKstranger;rport",
            f"From: <sip:{here}>;tag=stranger", f"To: <sip:{to[0]}>", "Call-ID: stranger", "CSeq: 1 OPTIONS",
            "Max-Forwards: 70", "Content-Length: 0", "", "",
        ]  # fmt: skip
        stranger.connect(to)
        stranger.send("\r\n".join(lines).encode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await loop.sock_recv(stranger, 4096)).decode()
