"""The command itself: a session with a made-up call, from the terminal it was started in."""

import io
import random
import sys
from dataclasses import dataclass
from typing import TextIO

from services.cli.errors import Missing
from services.cli.screen import Screen
from services.cli.voicexml.conversation import Conversation
from services.cli.voicexml.documents import Documents, start_url
from services.cli.voicexml.terminal import JsonTerminal, PlainTerminal
from services.cli.wiring import fetcher_of_anything
from shared.clock import epoch_seconds
from shared.voicexml.events import Pairs, SessionVariables, Start
from shared.voicexml.session import Session

#: Numbers that are reserved for fiction.
CALLER, CALLEE = "+12125550100", "+12125550109"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the person asked for."""

    url: str
    post: bool
    #: name=value, as they are sent with the first request.
    variables: tuple[str, ...]
    json: bool


async def try_application(screen: Screen, trial: Trial) -> bool:
    """Run an application; True if it ended without an error. Raises Invalid or Missing."""
    be_tolerant(sys.stdin, sys.stdout, json=trial.json)
    terminal = (JsonTerminal if trial.json else PlainTerminal)(screen, sys.stdin)
    url = start_url(trial.url)
    start = Start(
        url=url,
        method="POST" if trial.post else "GET",
        form=_pairs(trial.variables),
        session_variables=SessionVariables(session_id="tried", ani=CALLER, dnis=CALLEE, callee_type="voice"),
        seed=random.SystemRandom().getrandbits(32),
        now=epoch_seconds(),
    )
    async with fetcher_of_anything() as fetcher:
        ended = await Conversation(Session(start), Documents(fetcher, url), terminal).run()
    return ended.reason != "error"


def be_tolerant(stdin: TextIO, stdout: TextIO, *, json: bool) -> None:
    """Read what is no character as one that matches nothing, and write what the terminal lacks as its number.

    JSON is always UTF-8 (RFC 8259, 8.1), wherever the command was started.
    """
    if isinstance(stdin, io.TextIOWrapper):
        stdin.reconfigure(encoding="utf-8" if json else None, errors="replace")
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="backslashreplace")


def _pairs(variables: tuple[str, ...]) -> Pairs:
    pairs = tuple(variable.partition("=") for variable in variables)
    for name, equals, _ in pairs:
        if not name or not equals:
            raise Missing("A variable is given as --variable NAME=VALUE.")
    return tuple((name, value) for name, _, value in pairs)
