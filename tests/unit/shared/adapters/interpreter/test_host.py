"""An interpreter's host within one process: what it answers, and what it survives."""

from typing import Any

import orjson
import pytest

from shared.adapters.interpreter import frames
from shared.adapters.interpreter.host import Host
from shared.voicexml.codec import encode
from shared.voicexml.events import SessionVariables, Start


def asked(host: Host, number: int, **request: object) -> dict[str, Any]:
    """Ask the host, as the pool does; returns its answer."""
    framed = host.framed(orjson.dumps({"id": number, "session": 1} | request))
    return frames.content(framed[frames.LENGTH_BYTES :])


def test_an_answer_says_what_it_took_and_one_too_long_for_a_frame_ends_its_session_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process goes on for the others: before, it ended in the midst of the answer."""
    host = Host()
    variables = SessionVariables(session_id="s", ani="+12125550100", dnis="+12125550109")
    start = Start(url=f"http://app.example/{'x' * 1_000}", session_variables=variables, seed=1, now=0.0)
    opened = asked(host, 1, do="open", start=encode(start))
    assert opened["effects"] == []
    assert opened["spent_ms"] > 0
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 500)
    begun = asked(host, 2, do="begin")
    assert (begun["id"], begun["error"]) == (2, frames.Refusal.SESSION_FAILED)
    assert asked(host, 3, do="begin")["error"] == frames.Refusal.UNKNOWN_SESSION
