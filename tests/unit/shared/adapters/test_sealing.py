"""Sealing the secrets that must be read back."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from shared.adapters.sealing.sealer import SealBroken, Sealer, UnusableKeyFile, create_key_file

_SETTING = "PACELINE_SECRET_KEY_FILE"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Make a fresh key file."""
    path = tmp_path / "secret.key"
    create_key_file(path)
    return path


@pytest.mark.parametrize("secret", [b"", b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", bytes(range(256)) * 40])
def test_what_is_sealed_opens_again(key_file: Path, secret: bytes) -> None:
    """A secret comes back as it was, from a sealer that was made anew from the same file."""
    sealed = Sealer.from_key_file(key_file).seal(secret)
    assert Sealer.from_key_file(key_file).open(sealed) == secret


def test_a_sealed_secret_shows_nothing_and_is_never_the_same_twice(key_file: Path) -> None:
    """Two seals of one password differ, so that equal passwords cannot be told in a dump."""
    sealer = Sealer.from_key_file(key_file)
    first, second = sealer.seal(b"hunter2 hunter2"), sealer.seal(b"hunter2 hunter2")
    assert first != second
    assert b"hunter2" not in first
    assert first.isascii()


def test_another_key_does_not_open_it_and_says_which_setting_to_look_at(
    key_file: Path, tmp_path: Path
) -> None:
    """With the wrong key file the error names the setting, and not the secret."""
    create_key_file(tmp_path / "other.key")
    sealed = Sealer.from_key_file(key_file).seal(b"hunter2")
    with pytest.raises(SealBroken, match=_SETTING):
        Sealer.from_key_file(tmp_path / "other.key").open(sealed)


@pytest.mark.parametrize("sealed", [b"", b"plain", b"gAAAAA", bytes(range(256))])
def test_what_was_never_sealed_does_not_open(key_file: Path, sealed: bytes) -> None:
    """Anything that is not a seal is refused in the same sentence."""
    with pytest.raises(SealBroken):
        Sealer.from_key_file(key_file).open(sealed)


def test_a_seal_that_was_tampered_with_does_not_open(key_file: Path) -> None:
    """One changed character anywhere breaks the seal."""
    sealer = Sealer.from_key_file(key_file)
    sealed = bytearray(sealer.seal(b"hunter2"))
    sealed[40] = ord("A") if sealed[40] != ord("A") else ord("B")
    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed))


def test_a_key_is_replaced_by_putting_a_new_one_above_it(key_file: Path) -> None:
    """The first line seals and every line opens; without the old line only what was sealed anew opens."""
    old_key = key_file.read_bytes()
    old_seal = Sealer.from_key_file(key_file).seal(b"hunter2")
    new_key = Fernet.generate_key() + b"\n"
    key_file.write_bytes(b"# rotated in November\n" + new_key + b"\n" + old_key)
    both = Sealer.from_key_file(key_file)
    new_seal = both.seal(both.open(old_seal))
    key_file.write_bytes(new_key)
    alone = Sealer.from_key_file(key_file)
    assert alone.open(new_seal) == b"hunter2"
    with pytest.raises(SealBroken):
        alone.open(old_seal)


def test_a_new_key_file_is_its_owners_alone(key_file: Path) -> None:
    """The file has mode 0600 from its first moment on, whatever the umask."""
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_a_key_file_is_never_overwritten(key_file: Path) -> None:
    """Creating a key where one lies is refused: everything that it sealed would be lost."""
    before = key_file.read_bytes()
    with pytest.raises(UnusableKeyFile, match="exists"):
        create_key_file(key_file)
    assert key_file.read_bytes() == before


def test_a_key_file_cannot_be_made_where_there_is_no_folder(tmp_path: Path) -> None:
    """The sentence names the path and what the system said."""
    with pytest.raises(UnusableKeyFile, match=r"missing.*no such file"):
        create_key_file(tmp_path / "missing" / "secret.key")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601, 0o620, 0o666, 0o777])
def test_a_key_file_that_others_can_reach_is_refused(key_file: Path, mode: int) -> None:
    """What everybody may read, or a group may write, is refused with the command that mends it."""
    key_file.chmod(mode)
    with pytest.raises(UnusableKeyFile, match=rf"{mode:04o}.*chmod 600"):
        Sealer.from_key_file(key_file)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_key_file_that_its_owner_or_group_can_read_is_accepted(key_file: Path, mode: int) -> None:
    """A secret that is mounted for the group of the process is as private as one of its user."""
    key_file.chmod(mode)
    assert Sealer.from_key_file(key_file).seal(b"x")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "no key", id="empty"),
        pytest.param(b"\n # only a remark\n\n", "no key", id="only a remark"),
        pytest.param(b"hunter2\n", "not a key", id="a password"),
        pytest.param(Fernet.generate_key()[:-5] + b"\n", "not a key", id="half a key"),
        pytest.param(Fernet.generate_key() + b"\nhunter2\n", "not a key", id="a key and a password"),
        pytest.param(b"\xff\xfe\x00", "not a key", id="no text"),
        pytest.param(b"#" * 20_000, "not a key file", id="a large file"),
    ],
)
def test_a_file_without_a_key_is_refused(key_file: Path, content: bytes, complaint: str) -> None:
    """What is no key is refused in a sentence that names the file, the setting and how to make one."""
    key_file.write_bytes(content)
    with pytest.raises(UnusableKeyFile, match=complaint) as refusal:
        Sealer.from_key_file(key_file)
    assert _SETTING in refusal.value.message
    assert str(key_file) in refusal.value.message
    assert "hunter2" not in refusal.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A wrong path is named together with the setting that holds it."""
    with pytest.raises(UnusableKeyFile, match=rf"nowhere.*{_SETTING}"):
        Sealer.from_key_file(tmp_path / "nowhere")


def test_a_pipe_or_a_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    """What is not a plain file is refused at once: a pipe without a writer must not hold the start."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UnusableKeyFile):
            Sealer.from_key_file(path)
