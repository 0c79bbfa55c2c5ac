"""The command line's surface: what it offers, and how it fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import main as entry
from services.cli.main import Telephony, app
from shared.domain.errors import Invalid
from shared.settings import Settings

PAGES = (
    [],
    ["up"],
    ["campaign"],
    *(["campaign", name] for name in ("create", "list", "start", "stop", "status", "add")),
    ["listen"],
    *([name] for name in ("api", "pacer", "dialer", "dashboard", "migrate")),
    ["key", "create"],
    ["trunk"],
    *(["trunk", name] for name in ("add", "list", "test", "disable", "enable")),
    ["token", "create"],
    ["delivery"],
    *(["delivery", name] for name in ("list", "show", "replay", "enable")),
    ["number"],
    ["number", "history"],
    ["webhook"],
    *(["webhook", name] for name in ("test", "secret", "rotate")),
    ["check"],
)


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_every_command_explains_itself(words: list[str]) -> None:
    """Each command has a help page with at least a sentence on it."""
    page = CliRunner().invoke(app, [*words, "--help"])
    assert page.exit_code == 0
    assert "Usage:" in page.output
    assert "." in page.output.split("Options")[0].partition("\n\n")[2] or "." in page.output


def test_the_help_does_not_wait_for_what_it_does_not_need() -> None:
    """The help loads no HTTP client, no database driver and no web server: it answers at once."""
    code = "import services.cli.main, sys; print({'aiohttp', 'asyncpg', 'dramatiq', 'uvloop'} & set(sys.modules))"
    root = Path(entry.__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert shown.stdout.strip() == "set()"


def test_the_choice_of_telephony_is_that_of_the_settings() -> None:
    """`--telephony` offers exactly what the setting takes."""
    taken = Settings.model_json_schema()["properties"]["telephony"]
    assert [choice.value for choice in Telephony] == taken.get("enum", [taken.get("const")])


@pytest.mark.parametrize(
    "words",
    [
        ["campaign", "start", "twelve"],
        ["campaign", "create"],
        ["up", "--port", "70000"],
        ["fly"],
        ["token", "create"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(words: list[str]) -> None:
    """A command line that makes no sense is refused with status 2, and the right one is shown."""
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2


def _fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: str) -> None:
        raise error

    monkeypatch.setattr(entry, "app", fail)


def test_a_refusal_is_one_sentence_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure is its sentence on standard error and status 1; standard output stays clean."""
    _fail_with(Invalid("days", "Say some days."), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "Say some days.\n")


def test_a_defect_leaves_its_traceback_where_nobody_looks_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a service's log, which is no terminal, a defect is told with its traceback."""
    _fail_with(KeyError("nobody"), monkeypatch)
    with pytest.raises(SystemExit):
        entry.main()
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.splitlines()[-1].startswith("Paceline has a defect (KeyError")


def test_a_person_at_a_terminal_sees_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal a defect is one sentence too."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _fail_with(KeyError("nobody"), monkeypatch)
    with pytest.raises(SystemExit):
        entry.main()
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert told.count("\n") == 1
