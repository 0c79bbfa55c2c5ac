"""Prompts: which are chosen, what they come to, and the queue they wait in (VoiceXML 2.0, 4.1).

A prompt is turned into segments when it is queued, because its values are those of that moment; it is heard
when the session next waits (4.1.8).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import urljoin

from shared.voicexml.ecmascript import UNDEFINED, DataModel
from shared.voicexml.effects import Audio, Mark, Play, Segment, Silence, Speech
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.limits import Effort
from shared.voicexml.model import AudioPart, Break, MarkPart, Part, Prompt, Unsupported, Value, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPrompt:
    """A prompt that waits to be heard."""

    segments: tuple[Segment, ...]
    bargein: bool
    #: For the first key after it; None: as the property says.
    timeout_ms: int | None


class PromptQueue:
    """Prompts in the order in which they will be heard."""

    def __init__(self) -> None:
        self._prompts: list[QueuedPrompt] = []

    def add(self, prompt: QueuedPrompt) -> None:
        """Queue a prompt."""
        self._prompts.append(prompt)

    def clear(self) -> None:
        """Forget them: nobody is there to hear them."""
        self._prompts.clear()

    @property
    def timeout_ms(self) -> int | None:
        """The timeout of the last prompt (4.1.7); None if it has none of its own."""
        return self._prompts[-1].timeout_ms if self._prompts else None

    def take_plays(self, new_id: Callable[[], int]) -> tuple[Play, ...]:
        """Empty the queue into as few plays as barge-in allows."""
        plays: list[Play] = []
        for prompt in self._prompts:
            if not prompt.segments:
                continue
            before: tuple[Segment, ...] = ()
            if plays and plays[-1].bargein is prompt.bargein:
                before = plays.pop().segments
            plays.append(Play(play_id=new_id(), segments=before + prompt.segments, bargein=prompt.bargein))
        self._prompts.clear()
        return tuple(plays)

    def take_all(self) -> tuple[Segment, ...]:
        """Empty the queue into one run of segments, for a time when no key counts anyhow."""
        segments = tuple(segment for prompt in self._prompts for segment in prompt.segments)
        self._prompts.clear()
        return segments


def select(prompts: Iterable[Prompt], counter: int, holds: Callable[[Prompt], bool]) -> tuple[Prompt, ...]:
    """Choose the prompts of an input item for its `counter`th prompting (4.1.6); `holds` evaluates a cond."""
    ready = [prompt for prompt in prompts if holds(prompt) and prompt.count <= counter]
    highest = max((prompt.count for prompt in ready), default=0)
    return tuple(prompt for prompt in ready if prompt.count == highest)


def render(prompt: Prompt, model: DataModel, effort: Effort) -> tuple[Segment, ...]:
    """Turn a prompt into segments; raises Thrown."""
    return tuple(_segments(prompt.parts, prompt.language, model, effort))


def _segments(parts: Iterable[Part], language: str, model: DataModel, effort: Effort) -> Iterator[Segment]:
    for part in parts:
        effort.execute()
        match part:
            case Words(text=text):
                effort.produce(len(text))
                yield Speech(text=text, language=language)
            case Value():
                if text := _spoken(part, model, effort):
                    yield Speech(text=text, language=language)
            case AudioPart():
                yield from _audio(part, language, model, effort)
            case Break(duration_ms=duration_ms):
                yield Silence(duration_ms=duration_ms)
            case MarkPart(name=name):
                yield Mark(name=name)
            case Unsupported():
                raise unsupported(part)
            case _:
                assert_never(part)


def _spoken(part: Value, model: DataModel, effort: Effort) -> str:
    try:
        text = model.text(part.expr).strip()
    except ScriptFailed as failure:
        raise failure.thrown_at(part.line) from None
    effort.produce(len(text))
    return text


def _audio(part: AudioPart, language: str, model: DataModel, effort: Effort) -> Iterator[Segment]:
    """4.1.3: an expression that is undefined takes the element away, its alternate content too."""
    src = part.src if part.expr is None else _audio_url(part.expr, part.line, model)
    if src is None:
        return
    effort.produce(len(src))
    fallback = tuple(_segments(part.fallback, language, model, effort))
    yield Audio(src=urljoin(part.base_url, src), fallback=fallback)


def _audio_url(expr: str, line: int, model: DataModel) -> str | None:
    try:
        value = model.evaluate(expr)
        return None if value is UNDEFINED else str(value)
    except ScriptFailed as failure:
        raise failure.thrown_at(line) from None


def plain_text(parts: Iterable[Part], model: DataModel, effort: Effort) -> str:
    """Put the texts and values of a <log> together (5.3.13); raises Thrown."""
    segments = _segments(parts, "", model, effort)
    return " ".join(segment.text for segment in segments if isinstance(segment, Speech))


def unsupported(element: Unsupported) -> Thrown:
    """Return the event of an element that is not built (5.2.6)."""
    return Thrown(
        f"error.unsupported.{element.element}", f"Line {element.line}: <{element.element}> is not supported."
    )
