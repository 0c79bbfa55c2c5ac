"""`paceline policy` and `paceline caller-id`: what a tenant may call and as whom, from a shell."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytestmark = pytest.mark.acceptance

Paceline = Callable[..., "CompletedProcess[str]"]


def test_a_policy_is_set_shown_and_refused_in_a_sentence(
    paceline: Paceline, database_url: str, key_file: Path
) -> None:
    """A country or number that is none is named."""

    def run(*words: str) -> "CompletedProcess[str]":
        return paceline(
            *words, DATABASE_URL=database_url, PACELINE_SECRET_KEY_FILE=str(key_file), COLUMNS="200"
        )

    assert run("token", "create", "--tenant", "acme").returncode == 0
    tenant = "--tenant", "acme"
    assert run("policy", "set", *tenant, "--countries", "us,ca", "--verified-only").returncode == 0
    shown = "acme: CA, US; premium-rate, shared-cost and satellite numbers refused; verified caller ids only."
    assert run("policy", "show", *tenant).stdout.strip() == shown
    assert run("caller-id", "add", "(202) 555-0199", *tenant).returncode == 0
    assert run("caller-id", "list", *tenant).stdout.strip() == "+12025550199"
    for words, why in (
        (("caller-id", "remove", "+12025550198", *tenant), "no verified caller id of acme"),
        (("policy", "set", *tenant, "--countries", "US,UK"), "'UK' is no country"),
        (("caller-id", "add", "911", *tenant), "none has 3 digits"),
    ):
        refused = run(*words)
        assert refused.returncode == 1
        assert why in " ".join(refused.stderr.split())
