"""Who the far end is told is calling, in the header that trunks trust; and that nothing but digits gets there."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.telephony.port import NoTrunk
from tests.sip.callee import callee, free_port
from tests.sip.caller import call_to, caller, follow, place, the_end, trunk


async def test_a_trunk_that_asks_for_it_is_told_the_caller_id_as_asserted(tmp_path: Path) -> None:
    """SIPp itself refuses a call whose P-Asserted-Identity is not the number, alone."""
    async with (
        callee(tmp_path, "asserted_identity") as far,
        caller(replace(trunk(far.port), asserted_identity=True)) as telephony,
    ):
        the_end(await follow(await place(telephony, call_to(caller_id="+12025550199"))))
        assert await far.verdict() == 0, far.log()


@pytest.mark.parametrize(
    ("asks", "caller_id"),
    [
        (False, "+12025550199"),
        (True, None),
        (True, "+12025550199\r\nX-Injected: 1"),
        (True, "+1202;x=y"),
        (True, "a@b"),
    ],
)
async def test_nothing_is_asserted_without_need_or_without_a_number(
    tmp_path: Path, asks: bool, caller_id: str | None
) -> None:
    """Other trunks see no such header, nobody's number is asserted, and text is no number."""
    async with (
        callee(tmp_path, "486") as far,
        caller(replace(trunk(far.port), asserted_identity=asks)) as telephony,
    ):
        the_end(await follow(await place(telephony, call_to(caller_id=caller_id))))
        assert await far.verdict() == 0, far.log()
    for text in ("P-Asserted-Identity", "X-Injected", ";x=y", "a@b"):
        assert text not in far.messages()


@pytest.mark.parametrize(
    "number",
    [
        "+12025550100\r\nX-Injected: 1",
        "+12025550100;phone-context=x",
        "+12025550100@evil.example",
        "sip:x",
        "",
    ],
)
async def test_what_is_not_a_number_is_never_sent_to_a_trunk(number: str) -> None:
    """Were it to come past every check before: the call is not placed."""
    async with caller(trunk(free_port())) as telephony:
        with pytest.raises(NoTrunk, match="must be digits"):
            await place(telephony, replace(call_to(), e164=number))
