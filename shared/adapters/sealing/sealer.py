"""Seals secrets with a key that the database never sees.

A webhook key and a trunk password have to be read back, so they cannot be hashed. They are sealed with Fernet
(AES-128-CBC and HMAC-SHA256, github.com/fernet/spec) under a key from a file, so that a stolen dump of the
database is of no use without the file.

The file has one key per line. The first seals; all of them open. To replace a key, put a new one above it,
seal everything anew, and take the old one out. Blank lines and lines that begin with # are skipped.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.domain.errors import PacelineError

_SETTING: Final = "PACELINE_SECRET_KEY_FILE"
# A key has 44 characters: room for as many as anybody rotates, and for no file that was named by mistake.
_MAX_FILE_BYTES: Final = 16_384
# Kubernetes hands a secret to a group of its own, so the group may read; nobody else may do anything.
_FORBIDDEN_MODE: Final = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO


class UnusableKeyFile(PacelineError):
    """The file that PACELINE_SECRET_KEY_FILE names cannot be used."""


class SealBroken(PacelineError):
    """A secret does not open with any key of PACELINE_SECRET_KEY_FILE: put back the one that sealed it."""


class Sealer:
    """Seals and opens short secrets."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take Fernet keys, the sealing one first; raises ValueError for what is not a key."""
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def from_key_file(cls, path: Path) -> Self:
        """Read the keys; raises `UnusableKeyFile` if they cannot be read, or can be by everybody."""
        keys = [
            line for line in map(bytes.strip, _read_private(path).splitlines()) if line[:1] not in {b"", b"#"}
        ]
        if not keys:
            raise UnusableKeyFile(f"{path}, which {_SETTING} names, has no key in it: {_how_to_make(path)}")
        try:
            return cls(keys)
        except ValueError as error:  # binascii.Error among them
            raise UnusableKeyFile(
                f"{path}, which {_SETTING} names, has a line that is not a key: {_how_to_make(path)}"
            ) from error

    def seal(self, plain: bytes) -> bytes:
        """Seal a secret with the first key; ASCII, about 4/3 as long and 100 bytes more."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Open a sealed secret with whichever key fits; raises `SealBroken`."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise SealBroken from error


def create_key_file(path: Path) -> None:
    """Write a new key to a new file that only its owner can read; raises `UnusableKeyFile` if it is there."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UnusableKeyFile(f"The key file {path} cannot be created: {_words(error)}.") from error
    with os.fdopen(file, "wb") as stream:
        stream.write(Fernet.generate_key() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())  # a key that is lost after it has sealed something takes that with it


def _read_private(path: Path) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not hold the start
    except OSError as error:
        raise UnusableKeyFile(
            f"The key file {path}, which {_SETTING} names, cannot be read: {_words(error)}."
        ) from error
    try:
        _refuse_unsafe(path, os.fstat(file))
        return os.read(file, _MAX_FILE_BYTES)
    finally:
        os.close(file)


def _refuse_unsafe(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_FILE_BYTES:
        raise UnusableKeyFile(f"{path}, which {_SETTING} names, is not a key file: {_how_to_make(path)}")
    if facts.st_mode & _FORBIDDEN_MODE:
        raise UnusableKeyFile(
            f"The key file {path} has mode {stat.S_IMODE(facts.st_mode):04o}, so others can get at it: "
            f"run chmod 600 {path}, and replace the key if they may have."
        )


def _how_to_make(path: Path) -> str:
    return f"make one with `paceline key create {path}`."


def _words(error: OSError) -> str:
    return (error.strerror or "no reason is known").lower()
