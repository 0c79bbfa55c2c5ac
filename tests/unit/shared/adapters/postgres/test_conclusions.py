"""What a row tells of a number that ends without a call."""

from datetime import UTC, datetime
from typing import Any

from shared.adapters.postgres.conclusions import number_facts, receiver_of
from shared.contracts.conclusion import Receiver
from shared.contracts.result_body import ResultFormat

ROW: Any = {
    "number_id": 7, "e164": "+12025550100", "message_reference": "a", "tries": 2,
    "intent_at": datetime(2026, 11, 21, 9, tzinfo=UTC), "result_url": "https://crm.example/results",
    "result_format": "json",
}  # fmt: skip


def test_a_receiver_is_there_where_the_campaign_has_one() -> None:
    """With its format; and none where it has none."""
    assert receiver_of(ROW) == Receiver(url="https://crm.example/results", result_format=ResultFormat.JSON)
    assert receiver_of(ROW | {"result_url": None}) is None


def test_a_number_s_facts_are_told_as_they_are() -> None:
    """Its calls so far, the last of them, and its caller's reference."""
    facts = number_facts(ROW, 5, receiver_of(ROW))
    assert (facts.campaign_id, facts.number_id, facts.e164) == (5, 7, "+12025550100")
    assert (facts.tries, facts.last_attempt_at, facts.message_reference) == (2, ROW["intent_at"], "a")
    assert facts.receiver == receiver_of(ROW)
