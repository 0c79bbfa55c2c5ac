"""Counting the demonstration's results."""

import pytest

from services.cli.client.shapes import Campaign, Numbers
from services.cli.demonstration.tally import Tally, references_in, verdict
from services.cli.receiving.result import Proof, ReceivedResult


def _result(
    reference: str, *, campaign: int = 7, proof: Proof = Proof.VERIFIED, answer: str = ""
) -> ReceivedResult:
    fields = {"message_reference": reference, "campaign_id": str(campaign), "exit.answer": answer}
    return ReceivedResult(fields=fields, proof=proof)


def _campaign(**numbers: int) -> Campaign:
    return Campaign(
        campaign_id=7,
        status="RUNNING",
        start_date="2026-11-21",
        end_date="2027-11-21",
        time_zone="America/New_York",
        numbers=Numbers(**({"accepted": 2, "final": 2} | numbers)),
    )


def _tally(*results: ReceivedResult) -> Tally:
    tally = Tally(["a", "b"])
    for result in results:
        tally.hear(result)
    tally.belongs_to(7)
    return tally


def test_every_reference_counts_once() -> None:
    """A delivery that comes twice, or before the campaign's id is known, counts once."""
    tally = _tally(_result("a"), _result("a"), _result("b"))
    assert tally.received == {"a", "b"}
    assert tally.is_complete(_campaign())
    assert verdict(tally, _campaign()) == (
        "Results received: 2 of 2 numbers accepted, each with its own message_reference, every signature verified."
    )


def test_answers_are_counted() -> None:
    """What the application handed out is told with the verdict, once per number."""
    tally = _tally(_result("a", answer="confirmed"), _result("a", answer="confirmed"), _result("b"))
    assert tally.answers == {"confirmed": 1}
    assert verdict(tally, _campaign()).endswith("(exit.answer): confirmed 1.")


@pytest.mark.parametrize(
    "stranger",
    [
        _result("b", campaign=6),
        _result("c"),
        _result("b", proof=Proof.WRONG),
        _result("b", proof=Proof.UNCHECKED),
    ],
    ids=["other campaign", "other reference", "forged", "unproved"],
)
def test_what_is_not_a_result_of_ours_does_not_count(stranger: ReceivedResult) -> None:
    """Results of earlier demonstrations, of nobody's numbers and without proof leave the number missing."""
    tally = _tally(_result("a"), stranger)
    assert tally.missing == ["b"]
    assert not tally.is_complete(_campaign())
    assert "Results received: 1 of 2 numbers accepted. Missing: b." in verdict(tally, _campaign())


def test_results_that_outrun_the_numbers_are_not_complete() -> None:
    """As long as a number is not final the campaign is not over, whatever has arrived."""
    assert not _tally(_result("a"), _result("b")).is_complete(_campaign(final=1, in_attempt=1))


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"final": 1, "waiting": 1}, "1 numbers are not final: 0 ready, 1 waiting, 0 in an attempt"),
        ({"refused": 3}, "3 lines of the list were refused"),
        ({}, "All numbers are final, so the deliveries failed; see the log of the dialer."),
    ],
)
def test_missing_results_have_a_reason(numbers: dict[str, int], reason: str) -> None:
    """The verdict says where the missing numbers are, or where to look."""
    assert reason in verdict(_tally(_result("a")), _campaign(**numbers))


def test_forged_results_are_told() -> None:
    """Deliveries with a wrong signature are counted and told."""
    tally = _tally(_result("a"), _result("b", proof=Proof.WRONG))
    assert "1 deliveries had a signature that does not match" in verdict(tally, _campaign())


def test_references_stand_after_the_comma() -> None:
    """A line's reference is what its customer wrote after the first comma."""
    assert references_in("tel:+1;ani=+2,one\n\ntel:+1, two \n") == ["one", "two"]
