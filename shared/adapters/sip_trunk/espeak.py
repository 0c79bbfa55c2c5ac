"""Speech by espeak-ng, a program of the system: small, quick, in some hundred languages, and free of any service.

The text goes in on standard input and is never part of a command line; without `-m` it is plain text and no markup.
"""

import re
import shutil
import subprocess
from typing import Final

from shared.adapters.sip_trunk.telephone_sound import LONGEST_SECONDS, from_wave
from shared.adapters.sip_trunk.wav import read_wav
from shared.domain.errors import PacelineError

PROGRAM: Final = "espeak-ng"
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
_OTHERWISE: Final = "en-us"
#: Five minutes of speech in one prompt; more is a mistake in an application.
LONGEST_TEXT_CHARS: Final = 5000
#: It speaks some two hundred times faster than a person listens.
_PATIENCE_SECONDS: Final = 20.0


class NoSpeech(PacelineError):
    """espeak-ng is not on PATH, so that no text can be spoken: install it with `apt-get install espeak-ng`."""


class SpeechFailed(PacelineError):
    """espeak-ng did not speak the text."""


def program() -> str:
    """Return where espeak-ng is; raises NoSpeech."""
    path = shutil.which(PROGRAM)
    if path is None:
        raise NoSpeech
    return path


def voices(language: str) -> tuple[str, ...]:
    """Return the voices to try for a language (BCP 47), best first: `de-AT` may speak as `de`, all else as English."""
    if _LANGUAGE.fullmatch(language) is None:
        return (_OTHERWISE,)
    name = language.lower()
    return tuple(dict.fromkeys((name, name.split("-")[0], _OTHERWISE)))


def speak(text: str, language: str) -> bytes:
    """Return text as µ-law at 8 kHz; raises NoSpeech and SpeechFailed."""
    path = program()
    for voice in voices(language):
        wav = _run(path, voice, text[:LONGEST_TEXT_CHARS])
        if wav is not None:
            return from_wave(read_wav(wav))
    raise SpeechFailed


def _run(path: str, voice: str, text: str) -> bytes | None:
    """Return WAV, None where the voice does not exist."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own words; the text goes in on standard input
            [path, "-v", voice, "--stdin", "--stdout", "-b", "1"],
            input=text.encode(),
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpeechFailed(f"{path} could not speak a text of {len(text)} characters: {error}.") from error
    ok = done.returncode == 0 and len(done.stdout) > 0
    return done.stdout[: 2 * 2 * 22_050 * LONGEST_SECONDS] if ok else None
