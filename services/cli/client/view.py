"""Campaigns as people read them: lines, a table, and a bar that moves while a campaign is dialed."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.cli.client.shapes import Campaign, Upload


def state_of(campaign: Campaign) -> str:
    """Return the state in small letters, and why nothing is dialed if something holds the campaign."""
    state = campaign.status.lower()
    return f"{state}, held: {campaign.held}" if campaign.held else state


def outcome_words(campaign: Campaign) -> str:
    """Return `Answered 12, Busy 3`, the most frequent first; empty before the first number is final."""
    counts = sorted(campaign.outcomes.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in counts if count)


def progress_line(campaign: Campaign) -> str:
    """Return one line that says how far a campaign is."""
    numbers = campaign.numbers
    parts = [
        f"{numbers.final} of {numbers.accepted} numbers final",
        f"calls in progress: {campaign.calls_in_progress}",
    ]
    return "; ".join(filter(None, [*parts, outcome_words(campaign)]))


def campaign_lines(campaign: Campaign) -> str:
    """Return everything worth knowing about a campaign."""
    numbers = campaign.numbers
    windows = ", ".join(f"{w.start_time}-{w.end_time} ({w.nickname})" for w in campaign.profiles)
    facts = {
        "Campaign": " ".join(filter(None, [str(campaign.campaign_id), campaign.name])),
        "State": state_of(campaign),
        "Dates": f"{campaign.start_date[:10]} to {campaign.end_date[:10]}, {campaign.schedule_nickname or ''}",
        "Windows": f"{windows} {campaign.time_zone}",
        "Numbers": f"{numbers.accepted} accepted, {numbers.refused} refused, {numbers.duplicates} duplicates",
        "Now": f"{numbers.ready} ready, {numbers.waiting} waiting, {numbers.in_attempt} in an attempt, "
        f"{numbers.final} final",
        "Outcomes": outcome_words(campaign) or "none yet",
    }
    withheld = [f"{'Withheld':<8}  {why}" for why in campaign.withheld]
    return "\n".join([*(f"{name:<8}  {value}" for name, value in facts.items()), *withheld])


def campaign_table(campaigns: Sequence[Campaign]) -> Table:
    """Return all campaigns, one per row."""
    table = Table(
        "id", "name", "state", "accepted", "final", "in progress", "dates", box=None, pad_edge=False
    )
    for campaign in campaigns:
        dates = f"{campaign.start_date[:10]} to {campaign.end_date[:10]}"
        numbers = campaign.numbers
        counts = (str(n) for n in (numbers.accepted, numbers.final, campaign.calls_in_progress))
        table.add_row(str(campaign.campaign_id), campaign.name or "", state_of(campaign), *counts, dates)
    return table


def campaign_rows(campaigns: Sequence[Campaign]) -> str:
    """Return all campaigns, one per line and tab-separated, for programs that read a pipe."""
    rows = [
        (c.campaign_id, c.name or "", c.status, c.numbers.accepted, c.numbers.final, c.calls_in_progress)
        for c in campaigns
    ]
    return "\n".join("\t".join(map(str, row)) for row in rows)


def upload_lines(upload: Upload) -> str:
    """Return what became of a phone list, each line that is named with its reason: refused, or there already."""
    counts = f"{upload.accepted} numbers accepted, {upload.refused} refused, {upload.duplicates} duplicates."
    lines = [f"  line {line.line}: {line.reason} ({line.text})" for line in upload.refused_lines]
    untold = upload.refused + upload.duplicates - len(upload.refused_lines)
    return "\n".join(
        [counts, *lines, *([f"  and {untold} more lines that were not taken"] if untold > 0 else [])]
    )


def dialing_bar() -> Progress:
    """Return the bar of a campaign that is dialed, to be drawn by somebody else."""
    return Progress(
        TextColumn("Dialing"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeElapsedColumn()
    )


def dialing_picture(bar: Progress, campaign: Campaign) -> RenderableType:
    """Return the bar with what happens at the moment and what has come out so far below it."""
    words = filter(None, [f"{campaign.calls_in_progress} in progress", outcome_words(campaign)])
    return Group(bar, Text("; ".join(words)))


def outcome_table(campaign: Campaign) -> RenderableType:
    """Return the outcomes with their shares."""
    table = Table("outcome", "numbers", "share", box=None, pad_edge=False)
    for name, count in sorted(campaign.outcomes.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(name, str(count), f"{count / max(campaign.numbers.final, 1):.0%}")
    table.add_section()
    table.add_row("all", str(campaign.numbers.final), "")
    return table
