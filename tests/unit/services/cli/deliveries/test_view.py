"""Deliveries as people and programs read them."""

from typing import Any

from services.cli.deliveries.shapes import Delivery, DeliveryStory
from services.cli.deliveries.view import delivery_rows, delivery_table, story_lines

FACTS: dict[str, Any] = {
    "call_id": 7,
    "campaign_id": 3,
    "state": "RETRY",
    "url": "https://crm.example/r",
    "webhook_id": "res_7",
    "tries": 2,
    "next_try_at": "2026-11-21T08:00:00.000+00:00",
    "created_at": "2026-11-21T07:00:00.000+00:00",
    "delivered_at": None,
}
LOG = [
    {
        "try_no": 1,
        "at": "t1",
        "status": 500,
        "resolve_ms": 1,
        "connect_ms": 2,
        "total_ms": 3,
        "answer": "oh\x1b",
    },
    {"try_no": 2, "at": "t2", "status": None, "error": "No answer came in time.", "total_ms": 15000},
    {"try_no": 3, "at": "t3", "error": "The deliverer was lost during this try."},
]


def test_a_pipe_gets_one_delivery_per_line() -> None:
    """Call, campaign, state, tries, next try and receiver, separated by tabs."""
    rows = delivery_rows(
        [Delivery.model_validate(FACTS), Delivery.model_validate(FACTS | {"next_try_at": None})]
    )
    assert rows.split("\n") == [
        "7\t3\tRETRY\t2\t2026-11-21T08:00:00.000+00:00\thttps://crm.example/r",
        "7\t3\tRETRY\t2\t\thttps://crm.example/r",
    ]


def test_a_terminal_gets_a_table() -> None:
    """One row per delivery; a receiver's address is text and no markup."""
    table = delivery_table([Delivery.model_validate(FACTS | {"url": "https://[red]"})])
    assert table.row_count == 1


def test_a_story_tells_each_try() -> None:
    """Where it stands and why, then the log: what came of each try, how long it took, what was said."""
    facts = {"content_type": "text/plain", "body": "a=b", "log": LOG, "waits_because": "Most tries fail."}
    lines = story_lines(DeliveryStory.model_validate(FACTS | facts)).split("\n")
    assert "State     RETRY, Most tries fail." in lines
    assert lines[-3:] == [
        'Try 1  t1  answered 500  looked up after 1 ms, connected after 2 ms, over after 3 ms  "oh?"',
        "Try 2  t2  no answer  No answer came in time.  over after 15000 ms",
        "Try 3  t3  no answer  The deliverer was lost during this try.",
    ]
