"""Who lives behind a simulated number, drawn once and for ever from the number and a seed.

Numbers of the form `+1 NPA 555 01xx`, which the North American plan reserves for fiction, follow their last two
digits, so that a test can order the callee that it wants. Every other number draws from the population below.
"""

import random
import re
from dataclasses import dataclass
from enum import StrEnum


class Behaviour(StrEnum):
    """What a callee does."""

    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no answer"
    MACHINE = "answering machine"
    FAX = "fax"
    UNOBTAINABLE = "unobtainable"
    NETWORK_FAILURE = "network failure"
    DECLINES = "declines"
    HANGS_UP = "hangs up during the first prompt"
    PRESSES_ONE = "presses 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A callee; times are seconds of call time."""

    behaviour: Behaviour
    #: From the INVITE to the 18x: the network looks for the phone.
    post_dial_seconds: float
    #: From the 18x to the answer, or to the refusal.
    ring_seconds: float
    #: How long a person who was told nothing new stays on the line.
    patience_seconds: float


#: The last two digits of the numbers for fiction.
BY_ORDER = {
    "00": Behaviour.ANSWERS,
    "01": Behaviour.BUSY,
    "02": Behaviour.NO_ANSWER,
    "03": Behaviour.MACHINE,
    "04": Behaviour.FAX,
    "05": Behaviour.UNOBTAINABLE,
    "06": Behaviour.NETWORK_FAILURE,
    "07": Behaviour.DECLINES,
    "08": Behaviour.HANGS_UP,
    "09": Behaviour.PRESSES_ONE,
}

#: Shares of the population, in percent: a plausible weekday, not a measured one.
POPULATION = {
    Behaviour.ANSWERS: 26,
    Behaviour.PRESSES_ONE: 16,
    Behaviour.HANGS_UP: 6,
    Behaviour.MACHINE: 17,
    Behaviour.NO_ANSWER: 17,
    Behaviour.BUSY: 8,
    Behaviour.UNOBTAINABLE: 4,
    Behaviour.DECLINES: 3,
    Behaviour.FAX: 1,
    Behaviour.NETWORK_FAILURE: 2,
}

_FICTION = re.compile(r"\+1[0-9]{3}55501([0-9]{2})")


def callee_of(e164: str, *, seed: int) -> Callee:
    """Return the callee behind a number: the same for the same number and seed."""
    rng = random.Random(f"{seed}/{e164}")  # noqa: S311 - a population, not a secret
    return Callee(
        behaviour=_behaviour(e164, rng),
        post_dial_seconds=rng.uniform(0.3, 1.5),
        ring_seconds=rng.uniform(2, 12),
        patience_seconds=rng.uniform(30, 90),
    )


def _behaviour(e164: str, rng: random.Random) -> Behaviour:
    ordered = _FICTION.fullmatch(e164)
    if ordered and ordered[1] in BY_ORDER:
        return BY_ORDER[ordered[1]]
    return rng.choices(list(POPULATION), weights=list(POPULATION.values()))[0]
