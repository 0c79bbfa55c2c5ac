"""A number's history as people read it. What strangers wrote in it is shown without what moves a cursor."""

from collections.abc import Iterator

from services.cli.numbers.shapes import Attempt, Blocked, Delivery, Line, NumberHistory, OptOut


def history_lines(history: NumberHistory) -> str:
    """Return everything worth knowing about a number."""
    lines = [f"{history.phone_number}  {_now(history.blocked)}"]
    if history.last_call_ended_at:
        lines.append(f"Last call ended {history.last_call_ended_at}")
    lines += map(_opt_out, history.opt_outs)
    for line in history.lines:
        lines += ["", *_upload_line(line)]
    if not history.lines:
        lines.append("It stood on no list.")
    if history.next:
        lines += ["", f"Older lines follow: --cursor {history.next}"]
    return "\n".join(map(_printable, lines))


def _now(blocked: Blocked | None) -> str:
    if blocked is None:
        return "not on the blocklist"
    return f"on the blocklist since {blocked.created_at}{_why(blocked.reason, blocked.source)}"


def _opt_out(change: OptOut) -> str:
    what = "Blocked" if change.blocked else "Allowed again"
    by = f" by {change.actor}" if change.actor else ""
    return f"{what} {change.at}{by}{_why(change.reason, change.source)}"


def _why(reason: str | None, source: str | None) -> str:
    words = ", ".join(filter(None, [reason, source]))
    return f" ({words})" if words else ""


def _upload_line(line: Line) -> Iterator[str]:
    campaign = " ".join(filter(None, [str(line.campaign_id), line.campaign_name]))
    file = f", {line.file_name}" if line.file_name else ""
    yield (
        f"Campaign {campaign}: line {line.line} of upload {line.upload}{file}, {line.uploaded_at}, "
        f"call_id {line.call_id}, reference {line.message_reference or 'none'}"
    )
    if line.outcome:
        yield f"  Ended {line.ended_at}: {line.outcome}, {line.result}"
    else:
        yield f"  Has not ended: {line.state}"
    if line.canceled_at:
        yield f"  Taken back {line.canceled_at}"
    if line.delivery:
        yield f"  {_delivery(line.delivery)}"
    for attempt in line.attempts:
        yield f"  {_attempt(attempt)}"
    if line.more_attempts > 0:
        yield f"  and {line.more_attempts} older attempts"


def _delivery(delivery: Delivery) -> str:
    met = delivery.last_error or (f"answered {delivery.last_status}" if delivery.last_status else "")
    last = f", last {delivery.last_tried_at} {met}" if delivery.last_tried_at else ""
    tries = f"{delivery.tries} {'try' if delivery.tries == 1 else 'tries'}"
    return f"Result {delivery.webhook_id} to {delivery.url}: {delivery.state} after {tries}{last}"


def _attempt(attempt: Attempt) -> str:
    head = f"Attempt {attempt.ordinal}, due {attempt.due_at}:"
    if attempt.withheld_because:
        return f"{head} no call, {attempt.withheld_because}"
    times = {
        "dialed": attempt.dialed_at,
        "ringing": attempt.ringing_at,
        "answered": attempt.answered_at,
        "ended": attempt.ended_at,
    }
    told = [attempt.outcome or attempt.state, *(f"{what} {at}" for what, at in times.items() if at)]
    signals = {"SIP": attempt.sip_status, "Q.850": attempt.q850_cause}
    told += [f"{name} {value}" for name, value in signals.items() if value is not None]
    if attempt.sip_call_id:
        told.append(f"Call-ID {attempt.sip_call_id}" + (f" over {attempt.trunk}" if attempt.trunk else ""))
    return f"{head} {', '.join(told)}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
