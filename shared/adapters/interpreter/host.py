"""An interpreter process: `python -m shared.adapters.interpreter.host`.

It holds many sessions and does nothing but run them, so that the engine's processor-time limit measures
scripts, and so that whatever a script does to its process is done to no call's audio. It opens no socket and
no file. Requests come on standard input and answers go to standard output, one after the other (`frames.py`).

It never outlives its parent: it ends when standard input closes, and a request that takes more processor time than
`--answer-within-seconds` is ended by the kernel's alarm, even where no Python and no ECMAScript limit can
reach. Signals meant for the parent's group (Ctrl-C, a service manager's SIGTERM) are passed over, because the
parent may still have calls to finish.
"""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

from shared.adapters.interpreter.document_cache import DocumentCache
from shared.adapters.interpreter.frames import (
    LENGTH_BYTES,
    FrameError,
    Refusal,
    content,
    frame,
    payload_length,
)
from shared.voicexml.codec import decode_event, encode
from shared.voicexml.effects import Effect
from shared.voicexml.errors import CodecError, SessionMisuse, VoiceXmlError
from shared.voicexml.events import Start
from shared.voicexml.session import Session

Request = Mapping[str, Any]


class Refused(Exception):
    """A request that is not carried out, and why."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        self.refusal = refusal
        super().__init__(message)


class Host:
    """The sessions of this process, by the pool's number for them."""

    def __init__(self) -> None:
        self._sessions: dict[int, Session] = {}
        self._cache = DocumentCache()

    def answer(self, payload: bytes) -> dict[str, Any]:
        """Carry out one request; whatever is wrong with it becomes an answer too."""
        request: Request = {}
        try:
            request = content(payload)
            effects = self._carry_out(request)
        except (CodecError, FrameError, SessionMisuse) as error:
            return _refusal(request, Refusal.BAD_REQUEST, str(error))
        except Refused as refused:
            return _refusal(request, refused.refusal, str(refused))
        except Exception as error:  # noqa: BLE001 - one application's bug of ours must not end the others
            self._sessions.pop(request.get("session", -1), None)
            return _refusal(request, Refusal.SESSION_FAILED, f"{type(error).__name__}: {error}")
        return {"id": request.get("id"), "effects": [encode(effect) for effect in effects]}

    def framed(self, payload: bytes) -> bytes:
        """Carry out one request; return its answer as it is sent, with the processor time that it took."""
        # The one thread's: while the alarm is set the kernel counts the process's time by the tick.
        began = time.thread_time()
        answer = self.answer(payload)
        spent = {"spent_ms": (time.thread_time() - began) * 1_000}
        try:
            return frame(answer | spent)
        except FrameError as error:
            # More effects than anybody could carry out: the session's fault, and no reason to end the others'.
            self._sessions.pop(content(payload).get("session", -1), None)
            return frame(_refusal(answer, Refusal.SESSION_FAILED, str(error)) | spent)

    def _carry_out(self, request: Request) -> tuple[Effect, ...]:
        number, todo = request.get("session"), _REQUESTS.get(str(request.get("do")))
        if not isinstance(number, int) or todo is None:
            raise Refused(Refusal.BAD_REQUEST, "A request needs a session's number and something to do.")
        return todo(self, number, request)

    def open(self, number: int, request: Request) -> tuple[Effect, ...]:
        """Make a session; it has not begun."""
        start = decode_event(request.get("start"))
        if not isinstance(start, Start) or number in self._sessions:
            raise Refused(Refusal.BAD_REQUEST, "A session is opened once, with a Start.")
        try:
            self._sessions[number] = Session(start, self._cache.load)
        except VoiceXmlError as error:
            raise Refused(Refusal.SESSION_FAILED, error.message) from None
        return ()

    def begin(self, number: int, _: Request) -> tuple[Effect, ...]:
        """Begin a session."""
        return self._find(number).begin()

    def handle(self, number: int, request: Request) -> tuple[Effect, ...]:
        """Give a session an event; one that ends is forgotten."""
        session = self._find(number)
        event = decode_event(request.get("event"))
        if isinstance(event, Start):
            raise Refused(Refusal.BAD_REQUEST, "A Start opens a session and is no event of one.")
        effects = session.handle(event)
        if session.ended:
            del self._sessions[number]
        return effects

    def close(self, number: int, _: Request) -> tuple[Effect, ...]:
        """Forget a session, wherever it is."""
        self._sessions.pop(number, None)
        return ()

    def _find(self, number: int) -> Session:
        try:
            return self._sessions[number]
        except KeyError:
            raise Refused(Refusal.UNKNOWN_SESSION, f"There is no session {number} here.") from None


_REQUESTS: Mapping[str, Callable[[Host, int, Request], tuple[Effect, ...]]] = MappingProxyType(
    {"open": Host.open, "begin": Host.begin, "handle": Host.handle, "close": Host.close}
)


def _refusal(request: Request, refusal: Refusal, message: str) -> dict[str, Any]:
    return {"id": request.get("id"), "error": refusal.value, "message": message}


def serve(requests: BinaryIO, answers: BinaryIO, *, answer_within_seconds: float) -> None:
    """Answer until there are no more requests; raises FrameError if they are not frames at all."""
    host = Host()
    answers.write(frame({"id": 0}))
    answers.flush()
    while head := requests.read(LENGTH_BYTES):
        if len(head) < LENGTH_BYTES:
            raise FrameError("The requests end in the midst of a frame.")
        payload = requests.read(payload_length(head))
        # SIGPROF is left at its default, which ends the process. A busy machine's clock proves nothing.
        signal.setitimer(signal.ITIMER_PROF, answer_within_seconds)
        answer = host.framed(payload)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(answer)
        answers.flush()


def main() -> int:
    """Run as a process of the pool."""
    parser = argparse.ArgumentParser(
        description="An interpreter process of the pool; not for people to start."
    )
    parser.add_argument("--answer-within-seconds", type=float, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A stray print must not end up among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # What was imported lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        serve(sys.stdin.buffer, answers, answer_within_seconds=arguments.answer_within_seconds)
    except FrameError as error:
        sys.stderr.write(f"interpreter: {error}\n")
        return 2
    except BrokenPipeError:
        # The parent has gone in the midst of an answer.
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
