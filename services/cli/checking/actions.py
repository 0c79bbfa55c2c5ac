"""What `paceline check` does; apart from the command so that `--help` need not load a database driver."""

from contextlib import aclosing

from services.cli import wiring
from services.cli.checking.view import broken_lines, line, program_text, summary
from services.cli.screen import Screen
from shared.ports.invariants import Finding
from shared.settings import Settings


async def ask(screen: Screen, *, most: int, within_seconds: float, as_json: bool) -> bool:
    """Ask for every invariant and show what was found; tells whether all hold. Raises Unavailable."""
    findings: list[Finding] = []
    async with (
        wiring.invariants(Settings().required_database_url()) as invariants,
        aclosing(invariants.check(most=most, within_seconds=within_seconds)) as asked,
    ):
        async for finding in asked:
            findings.append(finding)
            if not as_json:
                screen.say(line(finding))
    if as_json:
        screen.write(program_text(findings))
    else:
        screen.say("\n".join([*broken_lines(findings), summary(findings)]))
    return all(finding.holds for finding in findings)
