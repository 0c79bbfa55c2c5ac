"""A test that fails in the crowd is tried once more by itself, and nothing that is broken passes by it."""

import os
from pathlib import Path

import pytest

from tests.check import is_judged, run

_STARVED = """
from pathlib import Path

def test_starved():
    tried = Path(__file__).with_suffix(".tried")
    if not tried.exists():
        tried.touch()
        raise AssertionError
"""
_BROKEN = "def test_broken(): raise AssertionError"
_WHOLE = "def test_whole(): pass"
_KILLED = "import os, signal\n\ndef test_killed(): os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (_WHOLE, _WHOLE, 0),
        (_STARVED, _WHOLE, 0),
        (_WHOLE, _STARVED, 0),
        (_STARVED, _BROKEN, 1),
        (_WHOLE, _KILLED, 1),
    ],
)
def test_only_what_passes_alone_passes(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
    code: int,
) -> None:
    """The verdict is of the second try for a few tests that failed, and of the first one for everything else."""
    for name, text in (("first", first), ("second", second)):
        (tmp_path / f"test_{name}.py").write_text(text)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    config = ("-c", os.devnull, "--rootdir", str(tmp_path))
    assert run([(*config, str(tmp_path / f"test_{name}.py")) for name in ("first", "second")]) == code
    printed = capfd.readouterr().out
    assert ("FAILED IN THE CROWD, PASSED ALONE" in printed) == (_STARVED in {first, second} and not code)


@pytest.mark.parametrize(
    ("codes", "failed", "judged"),
    [
        ((0, 0), (), True),
        ((1, 0), ("a.py::one",), False),
        ((1, 1), ("a.py::one", "a.py::two", "a.py::three", "a.py::four", "b.py::one", "c.py::one"), False),
        ((1, 1), ("a.py::one", "b.py::one", "c.py::one", "d.py::one"), True),
        ((1, 0), (), True),
        ((1, 2), ("a.py::one",), True),
        ((1, -9), ("a.py::one",), True),
    ],
)
def test_failures_in_many_files_are_no_accident(
    codes: tuple[int, ...], failed: tuple[str, ...], *, judged: bool
) -> None:
    """Tests of up to three files are tried again, however many they are; a run that broke is not."""
    assert is_judged(codes, failed) == judged
