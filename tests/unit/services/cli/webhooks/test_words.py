"""What a person is told of a sample that was posted."""

from datetime import UTC, datetime

import pytest

from services.cli.webhooks.words import decision_on, told
from shared.ports.delivering import OutgoingWebhook, TryReport

WEBHOOK = OutgoingWebhook(
    webhook_id="test_1", url="https://crm.example/r", content_type="text/plain", body=b"a", keys=("whsec_x",)
)


def story(status: int | None, error: str | None = None, *, sent: bool = True, answer: bytes = b"") -> str:
    """Tell of a try with this outcome."""
    report = TryReport(
        status=status, error=error, sent=sent, resolve_ms=3, connect_ms=5 if sent else None, total_ms=12,
        answer=answer, retry_after="90" if status == 503 else None,
    )  # fmt: skip
    return told(WEBHOOK, report, decision_on(report, datetime(2026, 11, 21, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("status", "error", "sent", "sentences"),
    [
        (200, None, True, ("Sent a sample", "answered 200.", "takes for an arrival")),
        (302, None, True, ("answered 302.", "tried again after 5 s")),
        (410, None, True, ("answered 410.", "would be parked", "somebody enables it")),
        (503, None, True, ("answered 503.", "tried again after 90 s")),
        (None, "No answer came in time.", True, ("Sent a sample", "No answer came in time.", "after 5 s")),
        (None, "The address is loopback.", False, ("Nothing was sent", "The address is loopback.")),
        (200, "The answer broke off.", True, ("answered 200. The answer broke off.", "arrival")),
    ],
)
def test_an_outcome_is_told_with_what_follows_from_it(
    status: int | None, error: str | None, sent: bool, sentences: tuple[str, ...]
) -> None:
    """What was sent, what came back, and what a real result would do now."""
    text = story(status, error, sent=sent)
    for sentence in sentences:
        assert sentence in text
    assert "https://crm.example/r" in text


def test_times_are_told_as_far_as_there_are_any() -> None:
    """Look-up, connection and end; a connection that never was has no time."""
    assert "Name looked up in 3 ms, connected after 5 ms, over after 12 ms." in story(200)
    assert "Name looked up in 3 ms, over after 12 ms." in story(None, "x.", sent=False)


def test_a_strangers_answer_does_not_move_the_cursor() -> None:
    """Control characters and what is no text are shown as harmless signs, and the end is cut."""
    text = story(500, answer=b"oh\x1b[2J\xff" + b"x" * 5000)
    assert "It said: oh [2J\N{REPLACEMENT CHARACTER}xxx" in text
    assert "\x1b" not in text
    assert len(text) < 1000
