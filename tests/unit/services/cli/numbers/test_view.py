"""A number's history as people read it."""

from typing import Any

from services.cli.numbers.shapes import NumberHistory
from services.cli.numbers.view import history_lines

CALL: dict[str, Any] = {
    "attempt_id": 9, "ordinal": 2, "state": "DONE", "due_at": "t3", "sip_call_id": "abc@host", "trunk": "main",
    "dialed_at": "t3", "answered_at": "t4", "ended_at": "t5", "sip_status": 200, "outcome": "Answered",
}  # fmt: skip
WITHHELD: dict[str, Any] = {
    "attempt_id": 8, "ordinal": 1, "state": "WITHHELD", "due_at": "t2", "withheld_because": "dialing is on hold",
}  # fmt: skip
LINE: dict[str, Any] = {
    "campaign_id": 3, "campaign_name": "March", "call_id": 7, "upload": 1, "file_name": "a.csv", "line": 12,
    "uploaded_at": "t1", "message_reference": "INV-7", "state": "FINAL", "outcome": "Answered",
    "result": "completed", "ended_at": "t5", "attempts": [CALL, WITHHELD], "more_attempts": 4,
    "delivery": {
        "state": "DELIVERED", "url": "https://crm.example/r", "webhook_id": "res_7", "tries": 1,
        "last_tried_at": "t6", "last_status": 204,
    },
}  # fmt: skip


def told(**facts: Any) -> list[str]:  # noqa: ANN401 - an answer as JSON
    """Return the lines of a history."""
    return history_lines(NumberHistory.model_validate({"phone_number": "+12025550100"} | facts)).split("\n")


def test_a_line_is_told_with_all_that_followed() -> None:
    """From the upload to the receiver's answer; a withheld attempt by its sentence."""
    assert told(lines=[LINE]) == [
        "+12025550100  not on the blocklist",
        "",
        "Campaign 3 March: line 12 of upload 1, a.csv, t1, call_id 7, reference INV-7",
        "  Ended t5: Answered, completed",
        "  Result res_7 to https://crm.example/r: DELIVERED after 1 try, last t6 answered 204",
        "  Attempt 2, due t3: Answered, dialed t3, answered t4, ended t5, SIP 200, Call-ID abc@host over main",
        "  Attempt 1, due t2: no call, dialing is on hold",
        "  and 4 older attempts",
    ]


def test_opt_outs_are_told_with_who_and_why() -> None:
    """Whether it is blocked now comes first."""
    lines = told(
        blocked={"reason": "asked", "source": "call", "created_at": "t9"},
        opt_outs=[
            {"at": "t9", "blocked": True, "actor": "desk", "reason": "asked"},
            {"at": "t8", "blocked": False},
        ],
    )
    assert lines == [
        "+12025550100  on the blocklist since t9 (asked, call)",
        "Blocked t9 by desk (asked)",
        "Allowed again t8",
        "It stood on no list.",
    ]


def test_a_strangers_text_moves_no_cursor() -> None:
    """A file's name or a reference is shown without control characters; older lines are named."""
    lines = told(lines=[LINE | {"file_name": "a\x1b[2J.csv", "outcome": None}], next="aDc")
    assert "a?[2J.csv" in lines[2]
    assert lines[3] == "  Has not ended: FINAL"
    assert lines[-1] == "Older lines follow: --cursor aDc"
