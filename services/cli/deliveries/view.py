"""Deliveries as people and programs read them. What a receiver sent is a stranger's text, and is shown as such."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from services.cli.deliveries.shapes import Delivery, DeliveryStory, DisabledReceiver, Try

#: Of a receiver's answer, what fits a line or two.
SHOWN_ANSWER_CHARACTERS = 200


def delivery_rows(deliveries: Sequence[Delivery]) -> str:
    """Return one delivery per line and tab-separated, for programs that read a pipe."""
    return "\n".join(
        "\t".join(map(str, (d.call_id, d.campaign_id, d.state, d.tries, d.next_try_at or "", d.url)))
        for d in deliveries
    )


def delivery_table(deliveries: Sequence[Delivery]) -> Table:
    """Return deliveries for a terminal."""
    table = Table("call", "campaign", "state", "tries", "next try", "receiver", box=None, pad_edge=False)
    for d in deliveries:
        cells = (str(d.call_id), str(d.campaign_id), d.state, str(d.tries), d.next_try_at or "", d.url)
        table.add_row(*map(Text, cells))
    return table


def story_lines(story: DeliveryStory) -> str:
    """Return everything worth knowing about a delivery."""
    facts = {
        "Delivery": f"of call {story.call_id}, campaign {story.campaign_id}, as {story.webhook_id}",
        "Receiver": story.url,
        "State": ", ".join(filter(None, [story.state, story.waits_because])),
        "Made": story.created_at,
        "Arrived": story.delivered_at or "not yet",
        "Next try": story.next_try_at or "none",
        "Body": story.body,
    }
    lines = [f"{name:<8}  {printable(value)}" for name, value in facts.items()]
    return "\n".join([*lines, *map(try_line, story.log)])


def try_line(line: Try) -> str:
    """Return one try: when, what came of it, how long each part took, and what the receiver said."""
    answered = "no answer" if line.status is None else f"answered {line.status}"
    times = (
        ("looked up", line.resolve_ms),
        ("connected", line.connect_ms),
        ("over", line.total_ms),
    )
    timings = ", ".join(f"{what} after {ms} ms" for what, ms in times if ms is not None)
    said = printable(line.answer or "")[:SHOWN_ANSWER_CHARACTERS]
    parts = [f"Try {line.try_no}", line.at, answered, line.error or "", timings, said and f'"{said}"']
    return "  ".join(filter(None, parts))


def receiver_lines(receivers: Sequence[DisabledReceiver]) -> str:
    """Return the disabled receivers, one per line."""
    return "\n".join(f"{printable(r.url)}  since {r.disabled_at}: {r.reason}" for r in receivers)


def printable(text: str) -> str:
    """Return a text without what moves a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
