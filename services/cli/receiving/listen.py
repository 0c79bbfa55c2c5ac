"""`paceline listen`: prints the results that arrive, to try a campaign without writing a receiver."""

import asyncio
import os

from services.cli.receiving.result import ReceivedResult, Verifier
from services.cli.receiving.server import receiver, served
from services.cli.screen import Screen

SECRET_SETTING = "PACELINE_WEBHOOK_SECRET"  # noqa: S105 - the name of a setting

#: What is said first of a result; the rest follows in the order of arrival.
_FIRST = ("message_reference", "outcome", "result")


async def listen(screen: Screen, host: str, port: int) -> None:
    """Print results until the end of the process."""
    secret = os.environ.get(SECRET_SETTING) or None
    app = receiver(Verifier(secret), lambda result: screen.say(result_line(result)))
    async with served(app, host, port) as url:
        screen.say(f"Results are taken at {url}/results (give that as --result-url). Ctrl-C ends it.")
        if secret is None:
            screen.say(f"Signatures are not checked: set {SECRET_SETTING} to the tenant's secret for that.")
        screen.say(
            "Paceline posts to this machine only if PACELINE_EGRESS_ALLOW names its network, "
            'for example ["127.0.0.0/8"].'
        )
        await asyncio.Event().wait()


def result_line(result: ReceivedResult) -> str:
    """Return a result in one line; control characters of strangers do not reach the terminal."""
    fields = dict(result.fields)
    first = [fields.pop(name) for name in _FIRST if fields.get(name)]
    rest = [f"{name}={value}" for name, value in fields.items() if value]
    line = "  ".join([*first, *rest, f"[{result.proof}]"])
    return "".join(character if character.isprintable() else "?" for character in line)
