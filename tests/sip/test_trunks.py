"""Trunks that are down, full or refuse: where a call goes, and what people read."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from shared.adapters.sip_trunk.places import OwnPlaces
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.telephony import SipTelephony
from shared.clock import monotonic_seconds
from shared.domain.routing import Route
from shared.domain.trunk_places import TrunkCaps
from shared.sip.timing import Timings
from shared.telephony.port import Answered, NoTrunk, TooLate, TransferEnded
from tests.sip.callee import PATIENCE_SECONDS, callee, free_port
from tests.sip.caller import QUICK, call_to, caller, follow, place, the_end, trunk


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_trunk_that_is_not_there_passes_the_call_on(tmp_path: Path) -> None:
    """The network says that nobody listens: nothing rang, and the next trunk takes the call."""
    gone = replace(trunk(free_port(), "gone"), route=Route(name="gone", priority=1))
    async with callee(tmp_path, "answer") as far, caller(gone, trunk(far.port, "there")) as telephony:
        events = await follow(await place(telephony, call_to()))
        assert await far.verdict() == 0, far.log()
        assert telephony.trouble() is None
    assert any(isinstance(event, Answered) for event in events)


async def test_a_503_passes_the_call_on_under_another_call_id(tmp_path: Path) -> None:
    """Each trunk sees its own Call-ID, once."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        callee(tmp_path / "one", "503") as refuses,
        callee(tmp_path / "two", "answer") as answers,
        caller(
            replace(trunk(refuses.port), route=Route(name="a", priority=1)), trunk(answers.port, "b")
        ) as telephony,
    ):
        events = await follow(await place(telephony, call_to("fence9")))
        assert (await refuses.verdict(), await answers.verdict()) == (0, 0)
    assert any(isinstance(event, Answered) for event in events)
    assert "Call-ID: fence9\n" in refuses.messages().replace("\r", "")
    assert "Call-ID: fence9.1\n" in answers.messages().replace("\r", "")


@pytest.mark.parametrize("scenario", ["486", "404", "603", "502"])
async def test_a_refusal_by_the_callee_is_not_passed_on(tmp_path: Path, scenario: str) -> None:
    """Another trunk would ring the same phone again."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        callee(tmp_path / "one", scenario) as refuses,
        callee(tmp_path / "two", "answer") as answers,
        caller(
            replace(trunk(refuses.port), route=Route(name="a", priority=1)), trunk(answers.port, "b")
        ) as telephony,
    ):
        the_end(await follow(await place(telephony, call_to())))
        assert await refuses.verdict() == 0
        assert answers.messages() == ""


async def test_a_trunk_that_says_nothing_keeps_the_call() -> None:
    """Silence proves nothing: the INVITE is not sent to anybody else, and the call ends by itself."""
    loop = asyncio.get_running_loop()
    heard: dict[str, list[bytes]] = {"silent": [], "next": []}

    class Hole(asyncio.DatagramProtocol):
        def __init__(self, name: str) -> None:
            self.name = name

        @override
        def datagram_received(self, data: bytes, _addr: object) -> None:
            heard[self.name].append(data)

    holes = [
        await loop.create_datagram_endpoint(partial(Hole, name), local_addr=("127.0.0.1", 0))
        for name in heard
    ]
    trunks = [
        replace(
            trunk(transport.get_extra_info("sockname")[1], name), route=Route(name=name, priority=priority)
        )
        for priority, (name, (transport, _)) in enumerate(zip(heard, holes, strict=True))
    ]
    async with caller(*trunks, timings=QUICK, patience_seconds=0.2) as telephony:
        ending = the_end(await follow(await place(telephony, call_to()))).ending
    for transport, _ in holes:
        transport.close()
    assert (ending.sip_status, ending.rang) == (None, False)
    assert len(heard["silent"]) > 1
    assert len(set(heard["silent"])) == 1, "the same INVITE each time"
    assert heard["next"] == []


async def test_a_trunk_that_goes_and_comes_back_is_noticed_and_named(tmp_path: Path) -> None:
    """No call leaves while it is gone, people read which trunk it is, and it goes on by itself."""
    port = free_port()
    async with caller(trunk(port, "carrier-a", pings=True)) as telephony:
        await until(lambda: telephony.trouble() is not None)
        words = telephony.trouble() or ""
        assert f"carrier-a (127.0.0.1:{port})" in words
        assert not words.endswith(".")
        with pytest.raises(NoTrunk):
            await place(telephony, call_to())
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Answerer, local_addr=("127.0.0.1", port)
        )
        await until(lambda: telephony.trouble() is None)
        transport.close()
        await until(lambda: telephony.trouble() is not None)


class Answerer(asyncio.DatagramProtocol):
    """A trunk that answers OPTIONS, and nothing more."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer 200 with what must be repeated."""
        lines = data.decode().split("\r\n")
        kept = [line for line in lines if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        answer = ["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]
        self.transport.sendto("\r\n".join(answer).encode(), addr)


async def test_nothing_leaves_later_than_it_may_even_through_the_next_trunk(tmp_path: Path) -> None:
    """The first trunk took its time to refuse: the call is given back, and no second INVITE leaves."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        callee(tmp_path / "one", "503_late") as refuses,
        callee(tmp_path / "two", "answer") as answers,
        caller(
            replace(trunk(refuses.port), route=Route(name="a", priority=1)), trunk(answers.port, "b")
        ) as telephony,
    ):
        # Again where its latest instant was over before it could leave.
        while "INVITE" not in refuses.messages():
            now = asyncio.get_running_loop().time()
            with pytest.raises((NoTrunk, TooLate)):
                await telephony.place(call_to(), not_before=now, send_by=now + 0.1)
        past = asyncio.get_running_loop().time() - 1
        with pytest.raises(TooLate):
            await telephony.place(call_to("other"), not_before=past, send_by=past)
        assert await refuses.verdict() == 0
        assert answers.messages() == ""


async def test_trunks_may_change_under_live_calls(tmp_path: Path) -> None:
    """A trunk that is taken away takes no new call, and the call that it has goes on to its end."""
    async with callee(tmp_path, "answer") as far, caller(trunk(far.port)) as telephony:
        live = await place(telephony, call_to())
        telephony.use([])
        assert "trunk add" in (telephony.trouble() or "")
        with pytest.raises(NoTrunk):
            await place(telephony, call_to("other"))
        events = await follow(live)
        assert await far.verdict() == 0, far.log()
        assert the_end(events).ending.sip_status == 200
        telephony.use([trunk(free_port(), "next")])
        assert telephony.trouble() is None


async def test_dialers_share_the_channels_of_a_trunk(tmp_path: Path) -> None:
    """Full is full for all of them, transfers included; and the first leg that is over makes room."""
    places = OwnPlaces()
    async with callee(tmp_path, "answer", calls=2) as far:
        full = replace(trunk(far.port), caps=TrunkCaps(channels=1))
        async with caller(full, places=places) as here, caller(full, places=places) as there:
            live = await place(here, call_to("one"))
            with pytest.raises(NoTrunk, match="All 1 channels of the trunk sipp"):
                await place(there, call_to("two"))
            events = live.events()
            async for event in events:
                if isinstance(event, Answered):
                    await live.transfer("+442071838750", bridge=True, ring_seconds=1)
                elif isinstance(event, TransferEnded):
                    assert event.reason == "network_busy"
                    await live.hang_up()
            the_end(await follow(await place(there, call_to("three"))))
            assert await far.verdict() == 0, far.log()


async def test_a_call_that_is_not_sent_keeps_no_channel(tmp_path: Path) -> None:
    """It has its place and finds no port for its audio; whoever comes after it has the same trouble, and no other."""
    port = free_port(even=True)
    async with callee(tmp_path, "answer") as far:
        wide = replace(trunk(far.port), caps=TrunkCaps(channels=2))
        async with caller(wide, rtp_ports=PortRange(port, port + 1)) as telephony:
            live = await place(telephony, call_to("one"))
            for leg in ("two", "three"):
                with pytest.raises(NoTrunk, match="port"):
                    await place(telephony, call_to(leg))
            the_end(await follow(live))


async def test_a_full_trunk_passes_the_call_on(tmp_path: Path) -> None:
    """Nothing was sent to it, so that the next may be asked; what was refused there takes no place."""
    async with callee(tmp_path, "answer", calls=2) as far:
        first = replace(trunk(free_port()), route=Route(name="a", priority=1), caps=TrunkCaps(channels=1))
        places = OwnPlaces()
        await places.take("a", first.caps, "of somebody else", until=monotonic_seconds() + 60)
        async with caller(first, trunk(far.port, "b"), places=places) as telephony:
            for leg in ("one", "two"):
                the_end(await follow(await place(telephony, call_to(leg))))
        assert await far.verdict() == 0, far.log()


async def test_a_dialer_that_is_late_with_its_audio_takes_no_more_calls() -> None:
    """The calls that it has must not suffer; people read why, and nothing is sent."""
    async with caller(trunk(free_port())) as telephony:
        telephony.ticker.in_time = False
        assert "late" in (telephony.trouble() or "")
        with pytest.raises(NoTrunk, match="late"):
            await place(telephony, call_to())


async def test_many_calls_leave_nothing_behind(tmp_path: Path) -> None:
    """After two hundred calls every port, socket, task and alarm is given back."""
    calls = 200
    timings = Timings(t1_seconds=0.1, t2_seconds=0.4, t4_seconds=0.1)  # 64*T1 later all is forgotten
    async with (
        callee(tmp_path, "answer", calls=calls) as far,
        caller(trunk(far.port), timings=timings) as telephony,
    ):
        files, tasks = open_files(), len(asyncio.all_tasks())
        for batch in range(4):
            lives = [await place(telephony, call_to(f"call{batch}-{index}")) for index in range(calls // 4)]
            ends = await asyncio.gather(*(follow(live, talk_seconds=0.1) for live in lives))
            for events in ends:
                assert the_end(events).ending.sip_status == 200
        await until(lambda: forgotten(telephony))
        assert open_files() == files
        assert len(asyncio.all_tasks()) == tasks


def forgotten(telephony: SipTelephony) -> bool:
    """Whether nothing of any call is left."""
    agent = telephony._agent
    books = (agent._listeners, agent._wakes, agent._unanswered, agent._branches, telephony._live)
    return agent.calls == 0 and not any(books)


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
