"""Events and effects across a process border."""

import base64
import json
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml import codec, effects, events
from shared.voicexml.codec import decode_effect, decode_event, encode
from shared.voicexml.effects import Effect, Exit, Play
from shared.voicexml.errors import CodecError
from shared.voicexml.events import Event, Start

PAIRS = st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3).map(tuple)
SEGMENTS = st.recursive(
    st.builds(effects.Speech)
    | st.builds(effects.Silence, duration_ms=st.integers(0, 10**9))
    | st.builds(effects.Mark)
    | st.builds(effects.Audio, fallback=st.just(())),
    lambda inner: st.builds(effects.Audio, fallback=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=4,
)
VARIABLES = st.builds(events.SessionVariables, more=PAIRS)
STARTS = st.builds(
    Start, form=PAIRS, session_variables=VARIABLES, now=st.floats(0, 1e10), seed=st.integers(-(2**63), 2**63)
)

EVENTS = st.one_of(STARTS, *(st.builds(kind) for kind in get_args(Event)))
EFFECTS = st.one_of(
    st.builds(Play, segments=st.lists(SEGMENTS, max_size=3).map(tuple)),
    st.builds(effects.Fetch, form=PAIRS, recordings=PAIRS),
    st.builds(Exit, values=PAIRS),
    *(st.builds(kind) for kind in get_args(Effect) if kind not in {Play, effects.Fetch, Exit}),
)


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: Event | Start) -> None:
    """Through JSON, with its type."""
    assert decode_event(json.loads(json.dumps(encode(event)))) == event


@given(EFFECTS)
def test_an_effect_comes_back_as_it_was(effect: Effect) -> None:
    """Through JSON, with the segments inside it."""
    assert decode_effect(json.loads(json.dumps(encode(effect)))) == effect


def test_every_event_and_effect_has_its_tag() -> None:
    """What is added to a union must be added to the table."""
    assert set(codec.EVENT_TYPES.values()) == {*get_args(Event), Start}
    assert set(codec.EFFECT_TYPES.values()) == set(get_args(Effect))
    assert set(codec.SEGMENT_TYPES.values()) == set(get_args(effects.Segment))


def test_the_form_is_what_it_says() -> None:
    """A tag beside the fields, bytes as base64, pairs as lists of two."""
    fetched = events.Fetched(fetch_id=1, url="u", status=200, content_type="t", body=b"\0\xff")
    assert encode(fetched) == {
        "type": "fetched",
        "fetch_id": 1,
        "url": "u",
        "status": 200,
        "content_type": "t",
        "body": base64.b64encode(b"\0\xff").decode(),
    }
    assert encode(Exit(reason="exit", values=(("a", "b"),)))["values"] == [["a", "b"]]


START: dict[str, object] = {
    "type": "start",
    "url": "u",
    "session_variables": {"session_id": "", "ani": "", "dnis": ""},
    "seed": 1,
    "now": 1,
}


def test_fields_with_a_default_may_be_absent() -> None:
    """The others may not."""
    assert decode_effect({"type": "exit", "reason": "exit"}) == Exit(reason="exit")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "Expected a dictionary"),
        ([], "Expected a dictionary"),
        ({}, "The type None"),
        ({"type": []}, "The type"),
        ({"type": "exit"}, "is not one of"),  # an effect, and no event
        ({"type": "digit"}, "needs the field key"),
        ({"type": "digit", "key": 1}, "not of type str"),
        ({"type": "digit", "key": "1", "x": 1}, "has no field x"),
        ({"type": "play_ended", "play_id": "1"}, "not of type int"),
        ({"type": "play_ended", "play_id": True}, "not of type int"),
        ({"type": "play_ended", "play_id": 1.0}, "not of type int"),
        (START | {"session_variables": []}, "Expected a dictionary"),
        (START | {"method": "PUT"}, "none of GET, POST"),
        (START | {"form": [["a"]]}, "list of pairs"),
        (START | {"form": "ab"}, "not a list"),
        (START | {"now": True}, "not a number"),
    ],
)
def test_an_event_that_is_none_is_refused(data: object, reason: str) -> None:
    """Unknown tags, unknown, missing and mistyped fields, each in a sentence."""
    with pytest.raises(CodecError) as refused:
        decode_event(data)
    assert reason in str(refused.value)


@pytest.mark.parametrize("body", ["=", "äö", "a", 5, "aGk=\n"])
def test_bytes_that_are_not_base64_are_refused(body: object) -> None:
    """Nothing is skipped or guessed."""
    data = {"type": "fetched", "fetch_id": 1, "url": "", "status": 1, "content_type": "", "body": body}
    with pytest.raises(CodecError, match="base64"):
        decode_event(data)


def test_segments_have_types_too_and_may_not_nest_for_ever() -> None:
    """A prompt is no deeper than a document."""
    with pytest.raises(CodecError, match="is not one of speech"):
        decode_effect({"type": "play", "play_id": 1, "segments": [{"type": "exit"}], "bargein": True})
    nested: dict[str, object] = {"type": "audio", "src": "", "fallback": []}
    for _ in range(100):
        nested = {"type": "audio", "src": "", "fallback": [nested]}
    with pytest.raises(CodecError, match="nested"):
        decode_effect({"type": "play", "play_id": 1, "segments": [nested], "bargein": True})


def test_decoding_leaves_its_input_alone() -> None:
    """A frame may be looked at again."""
    data = {"type": "digit", "key": "1"}
    decode_event(data)
    assert data == {"type": "digit", "key": "1"}


@pytest.mark.parametrize("kind", [*get_args(Event), Start, *get_args(Effect), *get_args(effects.Segment)])
def test_no_value_has_a_field_that_would_hide_its_tag(kind: type) -> None:
    """`type` is the codec's own word."""
    assert "type" not in {field.name for field in fields(kind)}
