"""What crosses a boundary, byte by byte: a change here is a change for somebody else."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.contracts.conclusion import NumberFacts, Receiver, conclude
from shared.contracts.dial_job import DialJob, UnreadableJob
from shared.contracts.result_body import ResultFormat, webhook_id
from shared.domain.disposition import CalleeType, Disposition, Outcome, Result, Stage
from shared.domain.retry import OUT_OF_TIME

GOLDEN = Path(__file__).parents[3] / "golden"

JOB = DialJob(tenant_id=1, campaign_id=22, attempt_id=333)
FACTS = NumberFacts(
    campaign_id=22,
    number_id=4711,
    e164="+12025550109",
    message_reference="invoice 1001 & more",
    tries=1,
    last_attempt_at=datetime(2026, 11, 21, 1, 2, 3, 456_000, tzinfo=UTC),
    receiver=Receiver(url="https://Example.com/results?x=1", result_format=ResultFormat.FORM),
    callee_type=CalleeType.VOICE,
    duration_seconds=17,
    exit_values={"confirmed": "yes"},
)
ANSWERED = Disposition(Outcome.ANSWERED, Stage.ANSWERED)


def test_a_dial_job_names_an_attempt_and_nothing_else() -> None:
    """Version 1 of the doorbell's message; no fact travels with it."""
    assert JOB.encode() == {"v": 1, "tenant_id": 1, "campaign_id": 22, "attempt_id": 333}
    assert DialJob.decode(dict(JOB.encode())) == JOB


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"v": 2, "tenant_id": 1, "campaign_id": 2, "attempt_id": 3},
        {"v": 1, "tenant_id": 1, "campaign_id": 2},
        {"v": 1, "tenant_id": 1, "campaign_id": 2, "attempt_id": 3, "e164": "+1"},
        {"v": 1, "tenant_id": True, "campaign_id": 2, "attempt_id": 3},
        {"v": 1, "tenant_id": "1", "campaign_id": 2, "attempt_id": 3},
        {"v": 1, "tenant_id": 1, "campaign_id": 0, "attempt_id": 3},
        {"v": 1, "tenant_id": 1, "campaign_id": 2, "attempt_id": 2**63},
    ],
)
def test_what_is_no_dial_job_is_refused(message: dict[str, object]) -> None:
    """Another version, a missing or further field, and what is no id are refused as unreadable."""
    with pytest.raises(UnreadableJob):
        DialJob.decode(message)


@pytest.mark.parametrize("result_format", list(ResultFormat))
def test_a_result_body_is_as_published(result_format: ResultFormat) -> None:
    """The bytes of a result, in both formats, are those in tests/golden."""
    receiver = Receiver(url="https://example.com/", result_format=result_format)
    delivery = conclude(_with(FACTS, receiver), ANSWERED).delivery
    assert delivery is not None
    assert delivery.content_type == result_format.content_type
    assert delivery.body == (GOLDEN / f"result.{result_format.value}").read_bytes().rstrip(b"\n")


def test_a_number_that_never_rang_has_a_result_too() -> None:
    """Empty where there is nothing to say, and the word that its receiver expects."""
    facts = NumberFacts(
        campaign_id=22, number_id=4712, e164="+12025550100", message_reference=None, tries=0, last_attempt_at=None,
        receiver=FACTS.receiver,
    )  # fmt: skip
    delivery = conclude(facts, OUT_OF_TIME).delivery
    assert delivery is not None
    assert delivery.body == (
        b"phone_number=%2B12025550100&message_reference=&call_id=4712&result=failed&callee_type=unknown&attempts=0"
        b"&last_attempt_timestamp=&duration=0&campaign_id=22&outcome=OutOfTime&stage=0"
    )
    canceled = conclude(facts, OUT_OF_TIME, result=Result.CANCELED)
    assert canceled.result.result is Result.CANCELED


def test_without_a_result_url_there_is_no_delivery() -> None:
    """The result is kept all the same."""
    conclusion = conclude(_with(FACTS, None), ANSWERED)
    assert conclusion.delivery is None
    assert conclusion.result.attempts == 1


def test_a_webhook_id_is_the_number_s_for_ever() -> None:
    """It depends on the number alone, so that a repeated delivery is seen to be one."""
    assert webhook_id(4711) == "res_4711"
    delivery = conclude(FACTS, ANSWERED).delivery
    assert delivery is not None
    assert delivery.webhook_id == "res_4711"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.com/results?x=1", "https://example.com:443"),
        ("http://example.com", "http://example.com:80"),
        ("http://example.com:8080/a", "http://example.com:8080"),
    ],
)
def test_an_origin_is_what_may_be_slow_as_one(url: str, origin: str) -> None:
    """Scheme, host and port, however they are written."""
    assert Receiver(url=url, result_format=ResultFormat.FORM).origin == origin


def _with(facts: NumberFacts, receiver: Receiver | None) -> NumberFacts:

    return replace(facts, receiver=receiver)
