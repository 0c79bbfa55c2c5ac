"""What a check found, as people and programs read it."""

import json

from services.cli.checking.view import broken_lines, line, program_text, summary
from shared.ports.invariants import Finding, Invariant, Offender

TRIES = Invariant(name="tries_are_calls", number="I3", kind="number", sentence="A try is a call.")
APART = Invariant(name="tenants_are_apart", number="I11", kind="table oid", sentence="Tenants are apart.")
SOUND = Finding(invariant=TRIES, total=0, offenders=())
ONE = Finding(invariant=APART, total=1, offenders=(Offender(tenant_id=None, campaign_id=None, id=16402),))
MANY = Finding(
    invariant=TRIES,
    total=1204,
    offenders=tuple(Offender(tenant_id=1, campaign_id=3, id=number) for number in (17, 19)),
)


def test_a_line_is_the_name_the_count_and_the_sentence() -> None:
    """Whether it holds or not, and the sentences stand below one another."""
    lines = [line(finding) for finding in (SOUND, MANY, ONE)]
    assert [" ".join(text.split()) for text in lines] == [
        "I3 tries_are_calls 0 numbers A try is a call.",
        "I3 tries_are_calls 1204 numbers A try is a call.",
        "I11 tenants_are_apart 1 table oid Tenants are apart.",
    ]
    assert {text.index("A try") if "A try" in text else text.index("Tenants are") for text in lines} == {49}


def test_what_is_broken_is_named_and_the_rest_of_it_counted() -> None:
    """Only what is broken has lines: each offender with where it belongs, and how many are not named."""
    assert list(broken_lines([SOUND, MANY, ONE])) == [
        "\ntries_are_calls is broken by 1204 numbers:",
        "  number 17 of campaign 3, tenant 1",
        "  number 19 of campaign 3, tenant 1",
        "  and 1202 more (--show names them)",
        "\ntenants_are_apart is broken by 1 table oid:",
        "  table oid 16402",
    ]


def test_the_last_line_is_the_verdict() -> None:
    """All hold, or so many of them are broken."""
    assert summary([SOUND, SOUND]) == "\nAll 2 invariants hold."
    assert summary([SOUND, MANY]) == "\n1 of 2 invariants is broken."
    assert summary([ONE, MANY, SOUND]) == "\n2 of 3 invariants are broken."


def test_programs_get_one_object() -> None:
    """With the verdict, every invariant, its total, and the ids that were asked for."""
    answer = json.loads(program_text([SOUND, ONE]))
    assert answer["holds"] is False
    assert [each["total"] for each in answer["invariants"]] == [0, 1]
    assert answer["invariants"][1] == {
        "name": "tenants_are_apart",
        "number": "I11",
        "sentence": "Tenants are apart.",
        "kind": "table oid",
        "total": 1,
        "offenders": [{"tenant_id": None, "campaign_id": None, "id": 16402}],
    }
    assert json.loads(program_text([SOUND]))["holds"] is True
