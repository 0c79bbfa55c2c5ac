"""What a grammar and a caller mean by a token (SRGS 1.0, 2.1 and Appendix E for keys)."""

import re

from shared.voicexml.grammar.expansion import GrammarInvalid, Mode, Token

#: Words lose the marks that a writer puts around them and keep those inside: o'clock, mother-in-law.
_EDGES = '.,;:!?"()[]{}'

_QUOTED_OR_PLAIN = re.compile(r'"([^"]*)"|([^\s"]+)')

#: Appendix E: the keys by their signs, and by the names that grammars in the field give them.
_KEYS = {key: key for key in "0123456789*#ABCD"} | {"star": "*", "pound": "#"}


def as_tokens(text: str, mode: Mode) -> tuple[Token, ...]:
    """Split the text of a grammar into tokens; raises GrammarInvalid."""
    found = [quoted or plain for quoted, plain in _QUOTED_OR_PLAIN.findall(text)]
    if mode is Mode.DTMF:
        return tuple(Token(text=key) for token in found for key in _keys(token))
    return tuple(Token(text=word) for token in found for word in spoken_words(token))


def _keys(token: str) -> tuple[str, ...]:
    name = token.removeprefix("dtmf-")
    if name in _KEYS:
        return (_KEYS[name],)
    if all(key in _KEYS for key in name):
        # Not by the letter, which wants white space between keys; nothing else could be meant.
        return tuple(name)
    raise GrammarInvalid(f"{token!r} is not a key of the telephone.")


def spoken_words(text: str) -> tuple[str, ...]:
    """Split what is said into words, as grammars are compared to them: without case and marks."""
    return tuple(word for each in text.casefold().split() if (word := each.strip(_EDGES)))
