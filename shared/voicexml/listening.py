"""What is listened for at an input item, in the order in which it counts (VoiceXML 2.0, 3.1.4).

First the item's own grammars and links, then those of its form, then of its document and of the document's
other dialogs that are meant for all of it, then the same of the root document, and last the universal
commands. A modal item hears nothing but itself (2.3.1).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.voicexml.addresses import resolve
from shared.voicexml.context import InterpreterContext
from shared.voicexml.errors import DocumentInvalid, ScriptFailed, Thrown
from shared.voicexml.grammar.active import AnyOf, Choices, Grammar, Phrase, RuleGrammar
from shared.voicexml.grammar.builtin import builtin
from shared.voicexml.grammar.expansion import GrammarDocument, GrammarInvalid, Mode, check_mode
from shared.voicexml.grammar.matcher import find_public
from shared.voicexml.grammar.srgs_abnf import abnf_text, read_abnf
from shared.voicexml.grammar.srgs_xml import read_grammar
from shared.voicexml.grammar.tokens import spoken_words
from shared.voicexml.grammar_loader import ABNF_TYPES, BAD_GRAMMAR, UNSUPPORTED_FORMAT, XML_TYPES
from shared.voicexml.markup import parse
from shared.voicexml.model import (
    Choice,
    Document,
    EventSource,
    Field,
    Form,
    GrammarElement,
    Item,
    Link,
    MenuItem,
    Option,
    Record,
    Transfer,
    VisitedItem,
)
from shared.voicexml.navigation import absolute, fetch, request_of
from shared.voicexml.place import Place
from shared.voicexml.properties import Properties
from shared.voicexml.waits import Steps


#: What a match is for: this item, a form of a document, somewhere that a link or choice leads, or the name of
#: a universal command.
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnItem:
    """The item itself is filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfForm:
    """Items of a form are filled; it may be another form than the present one."""

    form: Form
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """A link or choice of a document was chosen."""

    source: EventSource
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Universal:
    """A universal command (6.3.6): help, exit or cancel."""

    event: str


Purpose = OwnItem | OfForm | Leading | Universal

_UNIVERSALS = ("cancel", "exit", "help")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The active grammars, and what each is for."""

    grammars: AnyOf
    purposes: tuple[Purpose, ...]
    #: Whether there is none at all, not even one of a mode that is not listened to.
    empty: bool = False


class Activation:
    """Finds and prepares the grammars of one visit to an item."""

    def __init__(self, context: InterpreterContext, place: Place, form: Form, properties: Properties) -> None:
        self._context = context
        self._place = place
        self._form = form
        self._properties = properties
        self._found: list[tuple[Grammar, Purpose]] = []

    def listen(self, item: Item) -> Steps[Listening]:
        """Prepare everything that is active at an item; raises Thrown."""
        yield from self._own(item)
        if not (isinstance(item, Field | Record) and item.modal):
            yield from self._around()
        modes = self._properties.words("inputmodes")
        if not modes <= frozenset(Mode):
            raise Thrown("error.semantic", f"The property inputmodes is {' '.join(sorted(modes))!r}.")
        # 6.3.6: grammars of a mode that is not listened to are active, but nothing matches them.
        heard = [each for each in self._found if each[0].mode in modes]
        return Listening(
            grammars=AnyOf(grammars=tuple(grammar for grammar, _ in heard)),
            purposes=tuple(purpose for _, purpose in heard),
            empty=not self._found,
        )

    def listen_for(self, elements: tuple[GrammarElement, ...]) -> Steps[AnyOf]:
        """Prepare some grammars alone; raises Thrown."""
        yield from self._elements(elements, OwnItem())
        return AnyOf(grammars=tuple(grammar for grammar, _ in self._found))

    def _own(self, item: Item) -> Steps[None]:
        document = self._place.document
        match item:
            case Field():
                if item.type is not None:
                    self._add((builtin(item.type, mode) for mode in Mode), OwnItem())
                self._add(option_grammars(item.options), OwnItem())
                yield from self._elements(item.grammars, OwnItem())
            case MenuItem(choices=choices):
                yield from self._choices(choices, document)
            case Record(grammars=grammars) | Transfer(grammars=grammars):
                yield from self._elements(grammars, OwnItem())
            case _:
                pass
        if isinstance(item, VisitedItem):
            yield from self._links(item.links, document)

    def _around(self) -> Steps[None]:
        document = self._place.document
        of_form = OfForm(form=self._form, document=document)
        for each in self._form.listens:
            if isinstance(each, Link):
                yield from self._links((each,), document)
            else:
                yield from self._elements((each,), of_form)
        for around in self._place.documents:
            yield from self._links(around.links, around)
            for dialog in around.dialogs:
                if dialog is not self._form:
                    yield from self._dialog(dialog, around)
        wanted = self._properties.words("universals")
        for event in _UNIVERSALS:
            if wanted & {"all", event}:
                phrase = Phrase(words=(event,), exact=True, meaning=event)
                self._add((phrase,), Universal(event=event))

    def _dialog(self, dialog: Form, document: Document) -> Steps[None]:
        """Add what another dialog lets the whole document hear (3.1.3, 2.2.1)."""
        elements = tuple(each for each in dialog.grammars if each.document_scope)
        yield from self._elements(elements, OfForm(form=dialog, document=document))
        for item in dialog.items:
            if isinstance(item, MenuItem) and item.document_scope:
                yield from self._choices(item.choices, document)

    def _links(self, links: Iterable[Link], document: Document) -> Steps[None]:
        for link in links:
            leading = Leading(source=link.leads, document=document)
            if link.dtmf:
                self._add((Choices(choices=((link.dtmf, link.dtmf),)),), leading)
            yield from self._elements(link.grammars, leading)

    def _choices(self, choices: Iterable[Choice], document: Document) -> Steps[None]:
        for choice in choices:
            leading = Leading(source=choice.leads, document=document)
            if choice.dtmf:
                self._add((Choices(choices=((choice.dtmf, choice.text or choice.dtmf),)),), leading)
            words = spoken_words(choice.text)
            if words and not choice.grammars:
                self._add((Phrase(words=words, exact=choice.exact, meaning=choice.text),), leading)
            yield from self._elements(choice.grammars, leading)

    def _add(self, grammars: Iterable[Grammar], purpose: Purpose) -> None:
        self._found.extend((grammar, purpose) for grammar in grammars)

    def _elements(self, elements: Iterable[GrammarElement], purpose: Purpose) -> Steps[None]:
        for element in elements:
            grammar = yield from self._grammar(element)
            self._add((grammar,), purpose)

    def _grammar(self, element: GrammarElement) -> Steps[Grammar]:
        if element.problem is not None:
            event, message = element.problem
            raise Thrown(event, message)
        src = element.src or ""
        if element.expr is not None:
            try:
                src = self._context.model.text(element.expr)
            except ScriptFailed as failure:
                raise failure.thrown_at(element.line) from None
        try:
            if src.startswith("builtin:"):
                found = _builtin(src)
                check_mode(found.mode, element.mode)
                return found
            return (yield from self._compiled(element, src))
        except GrammarInvalid as invalid:
            raise Thrown(BAD_GRAMMAR, f"Line {element.line}: {invalid.message}") from None

    def _compiled(self, element: GrammarElement, src: str) -> Steps[Grammar]:
        document, rule = element.inline, ""
        if document is None:
            if element.type and element.type not in XML_TYPES | ABNF_TYPES:
                raise Thrown(UNSUPPORTED_FORMAT, f"A grammar of the type {element.type!r} is not understood.")
            found = resolve(element.base_url, src)
            if found is None:
                raise Thrown(BAD_GRAMMAR, f"Line {element.line}: {src!r} is not a URL.")
            url, rule = found
            document = yield from self._fetched(url, element)
            check_mode(document.mode, element.mode)
            find_public(document, rule)
        others = yield from self._references(document, element)
        grammar = RuleGrammar(document=document, rule=rule, others=others)
        grammar.check()
        return grammar

    def _references(
        self, document: GrammarDocument, element: GrammarElement
    ) -> Steps[dict[str, GrammarDocument]]:
        """Fetch what a grammar refers to, and what that refers to in turn."""
        others: dict[str, GrammarDocument] = {}
        pending = sorted(document.references())
        while pending:
            url = pending.pop()
            if url not in others:
                others[url] = yield from self._fetched(url, element)
                pending.extend(sorted(others[url].references()))
        return others

    def _fetched(self, url: str, element: GrammarElement) -> Steps[GrammarDocument]:
        request = request_of(url, element.base_url, element.fetch, self._properties, "grammar")
        known = self._context.grammars.get(url)
        if known is not None and request.max_age_s < 0:
            # Once in a session is enough, unless the application says how old it may be: the host knows that (6.1.2).
            return known
        absolute(request)
        answer = yield from fetch(self._context, request)
        grammar = _read(answer.body, answer.url, element.mode)
        self._context.grammars[url] = grammar
        return grammar


def _read(body: bytes, url: str, mode: str) -> GrammarDocument:
    text = abnf_text(body)
    if text is not None:
        return read_abnf(text, url, mode)
    # White space, byte order marks and the zeros of wider encodings aside.
    if not body.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        raise Thrown(UNSUPPORTED_FORMAT, f"The grammar {url} is in no format that is understood.")
    try:
        return read_grammar(parse(body), url, mode)
    except DocumentInvalid as invalid:
        raise GrammarInvalid(f"{url}: {invalid.message}") from None


def _builtin(src: str) -> Grammar:
    """Read `builtin:dtmf/digits?length=4` or `builtin:grammar/boolean` (2.3.1.2); raises Thrown."""
    kind, _, type_ = src.removeprefix("builtin:").partition("/")
    if kind not in {"dtmf", "grammar"}:
        raise Thrown("error.unsupported.builtin", f"{src!r} names no builtin grammar.")
    return builtin(type_, Mode.DTMF if kind == "dtmf" else Mode.VOICE)


def option_grammars(options: tuple[Option, ...]) -> Iterator[Grammar]:
    """Make the grammars of options (2.3.1.3)."""
    by_keys = tuple((option.dtmf, option.value) for option in options if option.dtmf)
    if by_keys:
        yield Choices(choices=by_keys)
    for option in options:
        if words := spoken_words(option.text):
            yield Phrase(words=words, exact=option.exact, meaning=option.value)


def choices_of(item: Item) -> tuple[tuple[str, str], ...]:
    """Return text and keys of an item's choices, for <enumerate> (2.2.4, 2.3.1.3)."""
    match item:
        case MenuItem(choices=choices):
            return tuple((choice.text, "" if choice.grammars else choice.dtmf) for choice in choices)
        case Field(options=options):
            return tuple((option.text, option.dtmf) for option in options)
        case _:
            return ()
