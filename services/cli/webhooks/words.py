"""What came of a sample that was posted to a receiver, told as a person would."""

from datetime import datetime

from shared.domain.delivery_schedule import Decision, Delivered, Disabled, Failed, RetryAt, after_try
from shared.ports.delivering import OutgoingWebhook, TryReport

#: Of the receiver's answer, what fits a few lines.
SHOWN_ANSWER_CHARACTERS = 400
_HALF = 0.5  # the published waits, without their jitter


def decision_on(report: TryReport, now: datetime) -> Decision:
    """Decide as after the first try of a real result."""
    return after_try(
        tries=1,
        status=report.status,
        now=now,
        jitter=_HALF,
        retry_after=report.retry_after,
        error=report.error,
    )


def told(webhook: OutgoingWebhook, report: TryReport, decision: Decision) -> str:
    """Return the whole story: what was sent, what came back, and what a real result would do now."""
    lines = [
        f"Sent a sample result to {webhook.url}, as {webhook.webhook_id}:"
        if report.sent
        else f"Nothing was sent to {webhook.url}:",
        f"  {_answer(report)}",
        f"  {_timings(report)}",
        f"  {_consequence(decision)}",
    ]
    said = report.answer.decode(errors="replace")[:SHOWN_ANSWER_CHARACTERS]
    if said:
        shown = "".join(character if character.isprintable() else " " for character in said)
        lines.append(f"It said: {shown}")
    return "\n".join(lines)


def _answer(report: TryReport) -> str:
    if report.status is None:
        return report.error or "No answer came."
    return f"It answered {report.status}." + (f" {report.error}" if report.error else "")


def _timings(report: TryReport) -> str:
    parts = (
        ("name looked up in", report.resolve_ms),
        ("connected after", report.connect_ms),
        ("over after", report.total_ms),
    )
    words = ", ".join(f"{what} {ms} ms" for what, ms in parts if ms is not None)
    return f"{words[:1].upper()}{words[1:]}."


def _consequence(decision: Decision) -> str:
    match decision:
        case Delivered():
            return "That is what Paceline takes for an arrival."
        case Disabled():
            return "A real result would be parked, and all others to this address, until somebody enables it."
        case RetryAt(delay_seconds=delay_seconds):
            return f"A real result would be tried again after {delay_seconds:g} s, and up to ten times in three days."
        case Failed(reason=reason):
            return reason
