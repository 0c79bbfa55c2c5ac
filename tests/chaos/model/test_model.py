"""The protocol in Promela, checked by spin in every order in which its steps can fall.

`road.pml` says what is modelled. Here it is run: as it is, nothing may be found; with any one of its rules taken
away, spin must find the order in which somebody is rung twice or a result is lost, or the model proves nothing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("road.pml")

MISSING = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
UNCHECKED = f"THE MODEL OF THE ROAD WAS NOT CHECKED: apt-get install {' '.join(MISSING)}"
#: A CI must not go without.
IS_REQUIRED = bool(os.environ.get("CI"))

#: The longest path has some two hundred steps; one that is longer than this is a mistake in the model.
MOST_STEPS = 10_000
#: Twice what the search takes up at present.
MOST_MEGABYTES = 1_000
#: A search that ends before it has seen so much has been walled in by mistake.
FEWEST_STATES = 500_000
GIVE_UP_SECONDS = 900

#: Claims that something happens in the end: only where every process gets its turn, some time.
NEED_FAIRNESS = {"delivered", "ended"}
#: Which promise breaks first, by what its assertion looks at.
RUNG_AFTER_A_STOP = "running"
SENT_TWICE = "invited[a]"
TWO_CALLS = "leg["
ENDED_TWICE = "number[0]"
#: The rules that can be taken away, with how many campaigns it tells, and how.
WEAKENINGS = {
    "NO_CAS_ON_INTENT": (1, ENDED_TWICE),
    "NO_EPOCH": (2, TWO_CALLS),
    "DIAL_BEFORE_INTENT": (1, SENT_TWICE),
    "REQUEUE_DIALING": (1, TWO_CALLS),
    "NO_EDGE_FENCE": (2, TWO_CALLS),
    "SHORT_QUARANTINE": (2, TWO_CALLS),
    "NO_LIVE_CALL": (2, TWO_CALLS),
    "NO_GATES": (1, RUNG_AFTER_A_STOP),
    "NO_CAMPAIGN_EPOCH": (1, RUNG_AFTER_A_STOP),
    "ANYBODY_WITHHOLDS": (1, TWO_CALLS),
}


@dataclass(frozen=True)
class Verdict:
    """What a search found."""

    errors: int
    states: int
    #: The broken assertion or claim of the first error; "" for none.
    broken: str
    #: What no order of steps has reached, by process.
    unreached: frozenset[str]


Search = Callable[..., Verdict]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Search the model with some switches, for broken assertions or for a broken claim; a program is built once."""
    if MISSING:
        (pytest.fail if IS_REQUIRED else pytest.skip)(UNCHECKED)
    built: dict[tuple[tuple[str, ...], bool], Path] = {}

    def program(switches: tuple[str, ...], *, for_claims: bool) -> Path:
        folder = tmp_path_factory.mktemp("spin")
        shutil.copy(MODEL, folder)
        _run(folder, "spin", "-a", *switches, MODEL.name)
        mode = ["-DNFAIR=3"] if for_claims else ["-DSAFETY", "-DNOCLAIM"]
        # What is broken is found before a compiler has made it faster, and -O2 never saves what it takes.
        is_weakened = any(switch.removeprefix("-D") in WEAKENINGS for switch in switches)
        speed = "-O0" if is_weakened else "-O1"
        _run(folder, "gcc", speed, "-w", *mode, f"-DMEMLIM={MOST_MEGABYTES}", "-o", "pan", "pan.c")
        return folder

    def run(*switches: str, claim: str | None = None) -> Verdict:
        key = switches, claim is not None
        if key not in built:
            built[key] = program(switches, for_claims=claim is not None)
        asked = ["-a", "-N", claim] if claim else []
        if claim in NEED_FAIRNESS:
            asked.append("-f")
        return _verdict(_run(built[key], "./pan", f"-m{MOST_STEPS}", *asked))

    return run


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, timeout=GIVE_UP_SECONDS
    )
    return done.stdout


def _verdict(output: str) -> Verdict:
    assert "search depth too small" not in output, output
    assert "out of memory" not in output, output
    errors = re.search(r"errors: ([0-9]+)", output)
    states = re.search(r"([0-9]+) states, stored", output)
    broken = re.search(r"^pan:[0-9]+: (.*?) \(at depth", output, re.MULTILINE)
    assert errors is not None, output
    assert states is not None, output
    return Verdict(int(errors[1]), int(states[1]), broken[1] if broken else "", _unreached(output))


def _unreached(output: str) -> frozenset[str]:
    """Return the statements that were never reached; an end and an empty alternative are none."""
    found = set()
    for process, lines in re.findall(r"unreached in proctype (\w+)\n((?:\t.*\n)*)", output):
        for line, statement in re.findall(r"road\.pml:([0-9]+), state [0-9]+, \"(.*)\"", lines):
            if statement not in {"-end-", "(1)", "else"}:
                found.add(f"{process} line {line}: {statement}")
    return frozenset(found)


@pytest.fixture(scope="module")
def one_number(search: Search) -> Verdict:
    """Two tries of one number, in every order."""
    return search(claim="always")


@pytest.fixture(scope="module")
def two_campaigns(search: Search) -> Verdict:
    """A try of either campaign, to the same person, in every order."""
    return search("-DTWO_CAMPAIGNS", claim="always")


@pytest.mark.parametrize("case", ["one_number", "two_campaigns"])
def test_nobody_is_rung_twice_in_any_order(request: pytest.FixtureRequest, case: str) -> None:
    """No attempt is sent or planned twice, nobody is on two calls or rung after a stop, a result has its delivery."""
    verdict: Verdict = request.getfixturevalue(case)
    assert (verdict.errors, verdict.broken) == (0, "")
    assert verdict.states >= FEWEST_STATES


def test_every_statement_of_the_model_is_reached(one_number: Verdict, two_campaigns: Verdict) -> None:
    """What no order of steps came to would have been shown of nothing."""
    assert one_number.unreached & two_campaigns.unreached == frozenset()


@pytest.mark.parametrize("claim", ["delivered", "ended"])
def test_what_must_follow_follows_in_every_order(search: Search, claim: str) -> None:
    """What is final is delivered, and no attempt is forgotten, as long as everybody gets a turn now and then."""
    verdict = search(claim=claim)
    assert (verdict.errors, verdict.broken) == (0, "")
    assert verdict.states >= FEWEST_STATES


@pytest.mark.parametrize("weakening", WEAKENINGS)
def test_a_rule_that_is_taken_away_is_missed(search: Search, weakening: str) -> None:
    """Without the rule there is an order of steps that breaks a promise, and spin finds it."""
    campaigns, broken = WEAKENINGS[weakening]
    verdict = search(f"-D{weakening}", *(["-DTWO_CAMPAIGNS"] if campaigns == 2 else []))
    assert verdict.errors == 1
    assert broken in verdict.broken


def test_a_result_without_its_delivery_in_the_same_transaction_is_lost(search: Search) -> None:
    """A dialer that dies between the two leaves a number that is final and never delivered."""
    assert search("-DSPLIT_RESULT", claim="always").errors == 1
    assert "acceptance cycle" in search("-DSPLIT_RESULT", claim="delivered").broken
