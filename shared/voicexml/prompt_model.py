"""What is heard, as frozen values: prompts and what they are made of (VoiceXML 2.0, 4.1; SSML 1.0)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Text to speak, white space collapsed."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """<value> (4.1.4): the text of an expression."""

    expr: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPart:
    """<audio> (4.1.3): exactly one of src and expr, and what to say if it cannot be played."""

    src: str | None
    expr: str | None
    base_url: str
    #: How old a stored copy may be, in seconds; None: as the property says.
    max_age_s: int | None = None
    #: How long ago a stored copy may have expired, likewise.
    max_stale_s: int | None = None
    fallback: "tuple[Part, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """<break> (SSML 1.0, 2.2.3)."""

    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPart:
    """<mark> (SSML 1.0, 2.3.2; nameexpr is of VoiceXML 2.1): exactly one of the two."""

    name: str | None
    nameexpr: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """An SSML element that says how its content is spoken: prosody, voice, emphasis and their like."""

    element: str
    attributes: tuple[tuple[str, str], ...]
    #: What is said instead of the content (<sub alias>); None: the content.
    alias: str | None
    language: str | None
    parts: "tuple[Part, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumerate:
    """<enumerate> (2.2.4): said once for each choice; without parts, the choice alone."""

    parts: "tuple[Part, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeachPart:
    """<foreach> inside a prompt (VoiceXML 2.1, 6.4)."""

    item: str
    array: str
    parts: "tuple[Part, ...]"
    line: int


#: What a prompt is made of.
Part = Words | Value | AudioPart | Break | MarkPart | Markup | Enumerate | ForeachPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """<prompt> (4.1), or the text, audio and values that stand where a prompt could."""

    parts: tuple[Part, ...]
    cond: str | None = None
    count: int = 1
    #: None: as the property says.
    bargein: bool | None = None
    #: None: as the property says. Of the last prompt before an input (4.1.7).
    timeout_ms: int | None = None
    #: Whether nothing but a match stops it (4.1.5.1); None: as the property says.
    hotword: bool | None = None
    language: str
    line: int
