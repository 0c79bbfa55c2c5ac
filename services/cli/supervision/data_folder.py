"""What `paceline up` keeps in its data folder beside the servers' own data."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
#: A token has some fifty characters; a file that was put there by mistake is not read further.
TOKEN_FILE_BYTES = 512


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Names of the files below one folder."""

    path: Path

    @property
    def key_file(self) -> Path:
        """The key that seals this platform's secrets."""
        return self.path / "secret.key"

    @property
    def token_file(self) -> Path:
        """The token of the first tenant, so that a second start prints the same."""
        return self.path / "token"

    @property
    def environment_file(self) -> Path:
        """What a shell reads for the commands that work on Postgres itself, while the platform is up."""
        return self.path / "environment"

    def store_environment(self, variables: Mapping[str, str]) -> None:
        """Write lines that a shell may read: they are quoted for it."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        write_private(self.environment_file, "".join(lines))

    def make(self) -> None:
        """Make the folder where it is not there yet."""
        self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)

    def log_file(self, name: str) -> Path:
        """Return the log of the process `name`."""
        return self._private("logs") / f"{name}.log"

    def readiness_file(self, name: str) -> Path:
        """Where the process `name` says that it answers."""
        return self._private("run") / f"{name}.json"

    def stored_token(self) -> str | None:
        """Return the token of an earlier start, if there was one."""
        try:
            with self.token_file.open(encoding="ascii") as file:
                return file.read(TOKEN_FILE_BYTES).strip() or None
        except FileNotFoundError:
            return None

    def store_token(self, token: str) -> None:
        """Keep the token for the next start."""
        write_private(self.token_file, f"{token}\n")

    def _private(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: a reader sees the old content or the new."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def write_private_json(path: Path, content: Mapping[str, object]) -> None:
    """As `write_private`, for JSON."""
    write_private(path, json.dumps(content, indent=2) + "\n")
