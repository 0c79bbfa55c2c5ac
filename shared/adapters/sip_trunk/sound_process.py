"""The process that makes sound: speech by espeak-ng, and files as telephones carry them.

Its own process, since a second of sound takes 20 ms of Python, in which no call of the dialer's may wait. Requests come
in one after the other on standard input, answers go out in the same order; it ends when its input does, and so never
outlives the dialer. It runs at a lower urgency than whoever carries calls.
"""

import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import BinaryIO, Final

import orjson

from shared.adapters.sip_trunk.espeak import speak
from shared.adapters.sip_trunk.telephone_sound import telephone_sound
from shared.domain.errors import PacelineError

#: Two lengths: of the request's or answer's JSON, and of the bytes that belong to it.
HEAD: Final = struct.Struct("!II")
#: Ten minutes of stereo at 48 kHz would be more; who sends that is refused before.
MOST_BYTES: Final = 128 * 1024 * 1024
_MEMORY_BYTES: Final = 1024**3
_NICENESS: Final = 5


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every request until there are no more."""
    while len(head := requests.read(HEAD.size)) == HEAD.size:
        asked, carried = HEAD.unpack(head)
        if asked + carried > MOST_BYTES:
            return
        said, sound = answer(orjson.loads(requests.read(asked)), requests.read(carried))
        words = orjson.dumps(said)
        answers.write(HEAD.pack(len(words), len(sound)) + words + sound)
        answers.flush()


def answer(asked: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Make one sound: {"text", "language"}, or {"raw": "yes" | ""} with a file; {"failed": sentence} if it cannot."""
    try:
        if "text" in asked:
            return {}, speak(asked["text"], asked["language"])
        return {}, telephone_sound(body, raw=bool(asked["raw"]))
    except PacelineError as error:
        return {"failed": error.message}, b""
    except MemoryError:
        return {"failed": "The sound takes more memory than one prompt may."}, b""


def main() -> None:
    """Serve standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the dialer, which then closes our input
    os.nice(_NICENESS)
    with suppress(ValueError, OSError):  # not every system has the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
