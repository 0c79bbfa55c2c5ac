"""What is kept in the data folder, and who may read it."""

import json
import stat
import subprocess
from pathlib import Path

from services.cli.supervision.data_folder import DataFolder, write_private_json


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """The token of a start is found by the next one, in a file that nobody else can read."""
    folder = DataFolder(tmp_path)
    assert folder.stored_token() is None
    folder.store_token("pl_first")
    folder.store_token("pl_second")
    assert folder.stored_token() == "pl_second"
    assert _mode(folder.token_file) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_an_empty_token_file_is_no_token(tmp_path: Path) -> None:
    """A token file without a token in it counts as none."""
    folder = DataFolder(tmp_path)
    folder.token_file.write_text("\n")
    assert folder.stored_token() is None


def test_logs_and_readiness_have_private_folders(tmp_path: Path) -> None:
    """The folders of logs and of readiness files belong to the owner alone."""
    folder = DataFolder(tmp_path)
    assert folder.log_file("dialer-2") == tmp_path / "logs" / "dialer-2.log"
    assert folder.readiness_file("api") == tmp_path / "run" / "api.json"
    assert _mode(tmp_path / "logs") == _mode(tmp_path / "run") == 0o700


def test_a_ready_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """Whoever has the old ready file open reads it to its end; the new one is private from its first moment."""
    path = tmp_path / "ready.json"
    write_private_json(path, {"api": "http://127.0.0.1:1"})
    with path.open() as before:
        write_private_json(path, {"api": "http://127.0.0.1:2"})
        assert json.load(before)["api"].endswith(":1")
    assert json.loads(path.read_text())["api"].endswith(":2")
    assert _mode(path) == 0o600


def test_a_shell_reads_the_environment_as_it_was_written(tmp_path: Path) -> None:
    """Whatever a password is made of: the lines are quoted, and nobody else may read them."""
    folder = DataFolder(tmp_path)
    folder.store_environment({"DATABASE_URL": "postgres://a:b'$(c)d@/x y"})
    script = f'. {folder.environment_file} && printf %s "$DATABASE_URL"'
    ran = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "postgres://a:b'$(c)d@/x y"
