"""What was found, as people and programs read it."""

from collections.abc import Iterable, Iterator, Sequence

import orjson

from shared.ports.invariants import Finding, Offender

#: The longest name and count, so that the sentences stand below one another.
NAME_COLUMNS = 27
COUNT_COLUMNS = 13


def line(finding: Finding) -> str:
    """Return an invariant's one line: its name, how many break it, and what it says."""
    invariant = finding.invariant
    return (
        f"{invariant.number:<3}  {invariant.name:<{NAME_COLUMNS}}  {_count(finding):<{COUNT_COLUMNS}}  "
        f"{invariant.sentence}"
    )


def broken_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield what breaks each invariant that is broken, one offender a line."""
    for finding in findings:
        if finding.holds:
            continue
        yield f"\n{finding.invariant.name} is broken by {_count(finding)}:"
        for offender in finding.offenders:
            yield f"  {finding.invariant.kind} {offender.id}{_place(offender)}"
        unnamed = finding.total - len(finding.offenders)
        if unnamed:
            yield f"  and {unnamed} more (--show names them)"


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line."""
    broken = sum(not finding.holds for finding in findings)
    if not broken:
        return f"\nAll {len(findings)} invariants hold."
    return f"\n{broken} of {len(findings)} invariants {'is' if broken == 1 else 'are'} broken."


def program_text(findings: Sequence[Finding]) -> str:
    """Return all of it as one JSON object."""
    answer = {"holds": all(finding.holds for finding in findings), "invariants": [*map(_facts, findings)]}
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()


def _facts(finding: Finding) -> dict[str, object]:
    invariant = finding.invariant
    return {
        "name": invariant.name,
        "number": invariant.number,
        "sentence": invariant.sentence,
        "kind": invariant.kind,
        "total": finding.total,
        "offenders": finding.offenders,
    }


def _count(finding: Finding) -> str:
    return f"{finding.total} {finding.invariant.kind}{'' if finding.total == 1 else 's'}"


def _place(offender: Offender) -> str:
    if offender.tenant_id is None:
        return ""
    return f" of campaign {offender.campaign_id}, tenant {offender.tenant_id}"
