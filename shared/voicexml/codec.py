"""Events and effects as JSON-able dictionaries, and back.

Sessions run in processes of their own, so everything that crosses is written here once. The shape follows the
dataclasses: `{"type": "play_ended", "play_id": 3}`. Bytes are base64, tuples are lists, values inside values
carry their own `type` where there is a choice. Decoding refuses what it does not know: both ends are the same
release, so a stray field is a fault and not the future.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

from shared.voicexml import effects, events
from shared.voicexml.effects import Effect
from shared.voicexml.errors import CodecError
from shared.voicexml.events import Event, Start

Encoded = dict[str, object]

EVENT_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "start": events.Start,
        "fetched": events.Fetched,
        "fetch_failed": events.FetchFailed,
        "play_ended": events.PlayEnded,
        "digit": events.Digit,
        "said": events.Said,
        "mark_reached": events.MarkReached,
        "timer_fired": events.TimerFired,
        "callee_type_known": events.CalleeTypeKnown,
        "hung_up": events.HungUp,
        "transfer_ended": events.TransferEnded,
        "recorded": events.Recorded,
    }
)

EFFECT_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "fetch": effects.Fetch,
        "play": effects.Play,
        "unheard": effects.Unheard,
        "stop_play": effects.StopPlay,
        "start_timer": effects.StartTimer,
        "stop_timer": effects.StopTimer,
        "listen": effects.Listen,
        "stop_listening": effects.StopListening,
        "hang_up": effects.HangUp,
        "log": effects.Log,
        "error_thrown": effects.ErrorThrown,
        "transfer": effects.Transfer,
        "end_transfer": effects.EndTransfer,
        "record": effects.Record,
        "stop_recording": effects.StopRecording,
        "exit": effects.Exit,
    }
)

SEGMENT_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "speech": effects.Speech,
        "audio": effects.Audio,
        "silence": effects.Silence,
        "mark": effects.Mark,
    }
)

_TAGS: Mapping[type, str] = MappingProxyType(
    {kind: tag for table in (EVENT_TYPES, EFFECT_TYPES, SEGMENT_TYPES) for tag, kind in table.items()}
)

#: How deep a value may be inside another: prompts nest audio elements no deeper than documents nest.
_MAX_DEPTH = 80


def encode(value: Event | Effect | Start) -> Encoded:
    """Write an event or effect as a dictionary of strings, numbers, booleans, lists and dictionaries."""
    return _encode_fields(value, tag=_TAGS[type(value)])


def decode_event(data: object) -> Event | Start:
    """Read what `encode` wrote of an event; raises CodecError."""
    return cast("Event | Start", _decode_tagged(data, EVENT_TYPES, depth=0))


def decode_effect(data: object) -> Effect:
    """Read what `encode` wrote of an effect; raises CodecError."""
    return cast("Effect", _decode_tagged(data, EFFECT_TYPES, depth=0))


def _encode_fields(value: Any, *, tag: str | None) -> Encoded:  # noqa: ANN401 - any of the dataclasses above
    encoded: Encoded = {} if tag is None else {"type": tag}
    for name in _FIELDS[type(value)].readers:
        encoded[name] = _encode_value(getattr(value, name))
    return encoded


def _encode_value(value: object) -> object:
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return [_encode_value(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _encode_fields(value, tag=_TAGS.get(type(value)))


def _decode_tagged(data: object, types: Mapping[str, type], *, depth: int) -> object:
    content = _dictionary(data)
    tag = content.pop("type", None)
    kind = types.get(tag) if isinstance(tag, str) else None
    if kind is None:
        raise CodecError(f"The type {tag!r} is not one of {', '.join(types)}.")
    return _decode_fields(content, kind, depth=depth)


def _decode_fields(content: Encoded, kind: type, *, depth: int) -> object:
    readers, required = _FIELDS[kind]
    unknown = content.keys() - readers.keys()
    if unknown:
        raise CodecError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}.")
    missing = required - content.keys()
    if missing:
        raise CodecError(f"{kind.__name__} needs the field {', '.join(sorted(missing))}.")
    if depth > _MAX_DEPTH:
        raise CodecError(f"A {kind.__name__} is nested more than {_MAX_DEPTH} deep.")
    return kind(**{name: readers[name](data, name, depth) for name, data in content.items()})


def _dictionary(data: object) -> Encoded:
    if not isinstance(data, dict):
        raise CodecError(f"Expected a dictionary, found {type(data).__name__}.")
    return dict(data)


def _list(data: object, name: str) -> list[object]:
    if not isinstance(data, list):
        raise CodecError(f"The field {name} is not a list.")
    return data


def _pair(data: object, name: str) -> tuple[str, str]:
    match data:
        case [str() as first, str() as second]:
            return first, second
        case _:
            raise CodecError(f"The field {name} is not a list of pairs of strings.")


#: Reads the value of a field, given its name and how deep it is inside others; raises CodecError.
Reader = Callable[[object, str, int], object]


def _one_of(allowed: tuple[object, ...]) -> Reader:
    def read(data: object, name: str, _: int) -> object:
        if data not in allowed:
            raise CodecError(f"The field {name} is none of {', '.join(map(str, allowed))}.")
        return data

    return read


def _exactly(kind: type) -> Reader:
    def read(data: object, name: str, _: int) -> object:
        # `type` and not `isinstance`: True is an int to Python, and not to us.
        if type(data) is not kind:
            raise CodecError(f"The field {name} is not of type {kind.__name__}.")
        return data

    return read


def _float(data: object, name: str, _: int) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise CodecError(f"The field {name} is not a number.")
    return float(data)


def _bytes(data: object, name: str, _: int) -> bytes:
    if not isinstance(data, str):
        raise CodecError(f"The field {name} is not base64 text.")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise CodecError(f"The field {name} is not base64 text.") from None


def _session_variables(data: object, _: str, depth: int) -> object:
    return _decode_fields(_dictionary(data), events.SessionVariables, depth=depth + 1)


def _integers(data: object, name: str, depth: int) -> object:
    return tuple(_READERS[int](each, name, depth) for each in _list(data, name))


def _pairs(data: object, name: str, _: int) -> object:
    return tuple(_pair(each, name) for each in _list(data, name))


def _segments(data: object, name: str, depth: int) -> object:
    return tuple(_decode_tagged(each, SEGMENT_TYPES, depth=depth + 1) for each in _list(data, name))


_READERS: Mapping[Any, Reader] = MappingProxyType(
    {
        str: _exactly(str),
        int: _exactly(int),
        bool: _exactly(bool),
        float: _float,
        bytes: _bytes,
        events.SessionVariables: _session_variables,
        tuple[int, ...]: _integers,
        events.Pairs: _pairs,
    }
)


def _reader(hint: Any) -> Reader:  # noqa: ANN401 - a type hint
    if get_origin(hint) is Literal:
        return _one_of(get_args(hint))
    return _READERS.get(hint, _segments)


class _Fields(NamedTuple):
    readers: Mapping[str, Reader]
    #: Those without a default.
    required: frozenset[str]


#: How each type's fields are read; found out once, because every event and effect of a call goes through here.
_FIELDS: Mapping[type, _Fields] = MappingProxyType(
    {
        kind: _Fields(
            readers={name: _reader(hint) for name, hint in get_type_hints(kind).items()},
            required=frozenset(field.name for field in fields(kind) if field.default is MISSING),
        )
        for kind in (*_TAGS, events.SessionVariables)
    }
)
