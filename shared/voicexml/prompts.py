"""Prompts: which are chosen, what they come to, and the queue they wait in (VoiceXML 2.0, 4.1).

A prompt is turned into segments when it is queued, because its values are those of that moment; it is heard
when the session next waits (4.1.8).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from urllib.parse import urljoin
from xml.sax.saxutils import escape, quoteattr

from shared.voicexml.addresses import without_spaces
from shared.voicexml.ecmascript import UNDEFINED, DataModel
from shared.voicexml.effects import Audio, Mark, Play, Segment, Silence, Speech
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.languages import is_language
from shared.voicexml.limits import Effort
from shared.voicexml.prompt_model import (
    AudioPart,
    Break,
    Enumerate,
    ForeachPart,
    MarkPart,
    Markup,
    Part,
    Prompt,
    Value,
    Words,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPrompt:
    """A prompt that waits to be heard."""

    segments: tuple[Segment, ...]
    bargein: bool
    #: For the first key after it; None: as the property says.
    timeout_ms: int | None
    #: Whether nothing but a match stops it (4.1.5.1).
    hotword: bool = False


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

    @property
    def hotword(self) -> bool | None:
        """What stops the last prompt (4.1.5.1, which leaves a mixture open); None if there is none."""
        return self._prompts[-1].hotword if self._prompts else None

    def take_plays(self, new_id: Callable[[], int]) -> tuple[Play, ...]:
        """Empty the queue into as few plays as barge-in allows."""
        heard = (prompt for prompt in self._prompts if prompt.segments)
        plays = tuple(
            _play(new_id(), bargein, tuple(prompts))
            for bargein, prompts in groupby(heard, key=lambda prompt: prompt.bargein)
        )
        self._prompts.clear()
        return plays

    def take_all(self) -> tuple[tuple[Segment, ...], ...]:
        """Empty the queue, for a time when no key counts anyhow; return the segments of each prompt."""
        taken = tuple(prompt.segments for prompt in self._prompts if prompt.segments)
        self._prompts.clear()
        return taken


def _play(play_id: int, bargein: bool, prompts: tuple[QueuedPrompt, ...]) -> Play:  # noqa: FBT001 - as in a Play
    return Play(
        play_id=play_id,
        segments=tuple(chain.from_iterable(prompt.segments for prompt in prompts)),
        bargein=bargein,
        lengths=tuple(len(prompt.segments) for prompt in prompts),
    )


def select(prompts: Iterable[Prompt], counter: int, holds: Callable[[Prompt], bool]) -> tuple[Prompt, ...]:
    """Choose the prompts of an input item for its `counter`th prompting (4.1.6); `holds` evaluates a cond."""
    ready = [prompt for prompt in prompts if holds(prompt) and prompt.count <= counter]
    highest = max((prompt.count for prompt in ready), default=0)
    return tuple(prompt for prompt in ready if prompt.count == highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What turns parts into segments: the variables, and what is said of the choices there are."""

    model: DataModel
    effort: Effort
    #: Text and keys of each choice, for <enumerate> (2.2.4); no keys if it has none, or a grammar of its own.
    choices: tuple[tuple[str, str], ...] = ()
    #: The host's recordings that this session may play.
    recordings: frozenset[str] = frozenset()
    #: How old a stored recording may be whose element does not say (6.1.2), in seconds; -1: as the host has it.
    audio_max_age_s: int = -1
    #: How long ago it may have expired, likewise.
    audio_max_stale_s: int = -1
    #: Of the active document, for what stands in a handler (5.2).
    base_url: str = ""

    def segments(self, prompt: Prompt) -> tuple[Segment, ...]:
        """Turn a prompt into segments; raises Thrown."""
        _check_language(prompt.language, prompt.line)
        return tuple(self._all(prompt.parts, _Voice(language=prompt.language)))

    def texts(self, parts: Iterable[Part]) -> str:
        """Put the texts and values of a <log> together (5.3.13); raises Thrown."""
        segments = self._all(parts, _Voice(language=""))
        return " ".join(segment.text for segment in segments if isinstance(segment, Speech))

    def _all(self, parts: Iterable[Part], voice: "_Voice") -> Iterator[Segment]:
        for part in parts:
            self.effort.execute()
            match part:
                case Words(text=text):
                    yield self._speech(text, voice)
                case Break(duration_ms=duration_ms):
                    yield Silence(duration_ms=duration_ms)
                case Markup():
                    yield from self._markup(part, voice)
                case _:
                    yield from self._evaluated(part, voice)

    def _evaluated(
        self, part: Value | AudioPart | MarkPart | Enumerate | ForeachPart, voice: "_Voice"
    ) -> Iterator[Segment]:
        try:
            match part:
                case Value():
                    yield from self._value(part, voice)
                case AudioPart():
                    yield from self._audio(part, voice)
                case MarkPart(name=name, nameexpr=nameexpr):
                    yield Mark(name=self.model.text(nameexpr) if nameexpr is not None else name or "")
                case Enumerate():
                    yield from self._enumerate(part, voice)
                case ForeachPart():
                    yield from self._foreach(part, voice)
        except ScriptFailed as failure:
            raise failure.thrown_at(part.line) from None

    def _speech(self, text: str, voice: "_Voice") -> Speech:
        markup = voice.markup(text)
        self.effort.produce(len(text) + len(markup))
        return Speech(text=text, language=voice.language, ssml=markup)

    def _value(self, part: Value, voice: "_Voice") -> Iterator[Segment]:
        text = self.model.text(part.expr).strip()
        if text in self.recordings:
            yield Audio(src=text)
        elif text:
            yield self._speech(text, voice)

    def _audio(self, part: AudioPart, voice: "_Voice") -> Iterator[Segment]:
        """4.1.3: an expression that is undefined takes the element away, its alternate content too."""
        src: str | None = part.src
        if part.expr is not None:
            value = self.model.evaluate(part.expr)
            # What is no text is written as ECMAScript would.
            src = None if value is UNDEFINED else value if type(value) is str else self.model.text(part.expr)
        if src is None:
            return
        self.effort.produce(len(src))
        fallback = tuple(self._all(part.fallback, voice))
        yield Audio(
            src=resolved(self.base_url, resolved(part.base_url, src)),
            fallback=fallback,
            max_age_s=self.audio_max_age_s if part.max_age_s is None else part.max_age_s,
            max_stale_s=self.audio_max_stale_s if part.max_stale_s is None else part.max_stale_s,
        )

    def _markup(self, part: Markup, voice: "_Voice") -> Iterator[Segment]:
        inside = voice.inside(part)
        _check_language(part.language or "", part.line)
        if part.alias is not None:
            yield self._speech(part.alias, voice)
        else:
            yield from self._all(part.parts, inside)

    def _enumerate(self, part: Enumerate, voice: "_Voice") -> Iterator[Segment]:
        if not self.choices:
            raise Thrown("error.semantic", f"Line {part.line}: There are no choices to enumerate.")
        for text, keys in self.choices:
            if not part.parts:
                yield self._speech(text, voice)
                continue
            depth = self.model.depth
            self.model.push()
            self.model.store("_prompt", text)
            # 2.2.4: one space between keys, and undefined where there are none.
            if keys:
                self.model.store("_dtmf", " ".join(keys))
            else:
                self.model.declare("_dtmf", None)
            # 2.2.4: what is enumerated may not enumerate again.
            yield from replace(self, choices=())._all(part.parts, voice)  # noqa: SLF001 - another of this class
            self.model.unwind(depth)

    def _foreach(self, part: ForeachPart, voice: "_Voice") -> Iterator[Segment]:
        for index in range(self.model.begin_list(part.array)):
            self.model.set_each(part.item, index)
            yield from self._all(part.parts, voice)
        self.model.end_list()


def _check_language(language: str, line: int) -> None:
    if not is_language(language):
        raise Thrown("error.unsupported.language", f"Line {line}: {language!r} is no language.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """The speech markup around a text."""

    language: str
    around: tuple[Markup, ...] = ()

    def inside(self, markup: Markup) -> "_Voice":
        return _Voice(language=markup.language or self.language, around=(*self.around, markup))

    def markup(self, text: str) -> str:
        """Write a text with its markup, from the inside out; empty if there is none."""
        if not self.around:
            return ""
        written = escape(text)
        for each in reversed(self.around):
            attributes = "".join(f" {name}={quoteattr(value)}" for name, value in each.attributes)
            written = f"<{each.element}{attributes}>{written}</{each.element}>"
        return written


def resolved(base_url: str, src: str) -> str:
    """Make the address of an audio file absolute."""
    try:
        return without_spaces(urljoin(base_url, src.strip()))
    except ValueError:
        return src  # the host cannot fetch it, and plays the alternate content
