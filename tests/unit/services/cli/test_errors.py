"""Failures as people read them."""

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from services.cli.errors import defect_sentence, sentence_for, variable_of
from shared.domain.errors import Conflict, Invalid
from shared.settings import Settings


def _refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Exception:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((ValidationError, SettingsError)) as refused:
        Settings()
    return refused.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PACELINE_API_PORT", "high"),
        ("PACELINE_API_PORT", "70000"),
        ("PACELINE_SIMULATOR_SPEED", "-1"),
        ("PACELINE_TELEPHONY", "carrier-pigeon"),
        ("PACELINE_EGRESS_ALLOW", '["everywhere"]'),
    ],
)
def test_a_refused_setting_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Who mistypes a setting reads the variable's name, what is wrong, and what to do."""
    sentence = sentence_for(_refusal(monkeypatch, **{name: value}))
    assert sentence is not None
    assert sentence.startswith(f"{name} cannot be used: ")
    assert "Correct it, or unset it" in sentence
    assert value not in sentence.split()


def test_a_setting_that_is_not_json_is_told_how_lists_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is not JSON is refused with an example of one that is."""
    sentence = sentence_for(_refusal(monkeypatch, PACELINE_EGRESS_ALLOW="10.0.0.0/8"))
    assert sentence is not None
    assert '["10.0.0.0/8"]' in sentence
    assert "egress_allow" in sentence


@pytest.mark.parametrize(
    ("field", "variable"), [("api_port", "PACELINE_API_PORT"), ("DATABASE_URL", "DATABASE_URL")]
)
def test_the_variable_of_a_field(field: str, variable: str) -> None:
    """A field is told by the variable it is read from, with the prefix or under its customary name."""
    assert variable_of(field) == variable


def test_an_error_of_ours_is_its_own_sentence() -> None:
    """What Paceline refuses is told in the words of the refusal."""
    assert sentence_for(Invalid("days", "Say some days.")) == "Say some days."
    assert sentence_for(Conflict()) == "The request contradicts the present state; nothing was changed."


def test_a_file_that_cannot_be_used_is_named() -> None:
    """What the operating system refuses about a file is told with the file's name."""
    error = PermissionError(13, "Permission denied", "/root/secret")
    assert sentence_for(error) == "/root/secret cannot be used: permission denied."
    assert sentence_for(OSError("A socket broke.")) is None


def test_a_defect_has_no_sentence_of_its_own() -> None:
    """What nobody foresaw is told as a defect, with the way to its traceback."""
    error = KeyError("nobody")
    assert sentence_for(error) is None
    assert "KeyError" in defect_sentence(error)
    assert "PACELINE_LOG_LEVEL=debug" in defect_sentence(error)
