"""The variables and expressions of a session: one class over one QuickJS context.

The scope chain itself is in `ecmascript_prelude.py`. No Python function is ever handed to the engine: its
time limit and call-backs exclude each other, and the limit is what keeps a hostile script from holding the
process. What the limit cannot interrupt (a native search through megabytes) is for the parent process to end.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import Enum
from functools import lru_cache
from typing import Final

import quickjs

from shared.voicexml.dom_prelude import DOM
from shared.voicexml.ecmascript_prelude import PRELUDE
from shared.voicexml.errors import Exhausted, ScriptFailed
from shared.voicexml.events import SessionVariables
from shared.voicexml.foreach_prelude import FOREACH
from shared.voicexml.limits import (
    MAX_SCRIPT_OVERRUNS,
    MAX_SCRIPT_TEXT_CHARACTERS,
    SCRIPT_CPU_SECONDS,
    SCRIPT_HEAP_BYTES,
    SCRIPT_STACK_BYTES,
)
from shared.voicexml.recognition_prelude import MEANING, RECOGNITION
from shared.voicexml.script_names import find_names


class Undefined(Enum):
    """ECMAScript's undefined, which is not null."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

#: What an expression may come to; an object comes as its JSON text in a JsonText.
Value = Undefined | None | bool | float | str


class JsonText(str):
    """An ECMAScript object, written as JSON."""

    __slots__ = ()


#: 5.1.1: a variable is named as in ECMAScript, by letters of any script; dots would name a property of something else.
_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")

#: What may stand left of an assignment: a variable, a property of it, an element of that by a number, name or text.
_TARGET = re.compile(
    r"(?:[^\W\d]|\$)[\w$]*"
    r"""(?:\.(?:[^\W\d]|\$)[\w$]*|\[[ ]*(?:[\w$.]+|'[^'\\\r\n]*'|"[^"\\\r\n]*")[ ]*\])*"""
)

#: ECMA-262, 7.5: they cannot be variables, and `typeof = 1` would be a puzzling message.
_RESERVED = re.compile(
    "break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|"
    "for|function|if|import|in|instanceof|let|new|null|return|static|super|switch|this|throw|true|try|typeof|"
    "var|void|while|with|yield"
)

_SCOPES = frozenset({"session", "application", "document", "dialog"})

#: The engine's own word when the time is up.
_INTERRUPTED = "interrupted"


class DataModel:
    """The scopes of one session, innermost last. Every method may raise ScriptFailed.

    The first scope is always the session's; entering a document adds the application's and document's in one
    (a document without an application root is its own, 5.1.2), a dialog adds its own, and each block, filled
    and catch an anonymous one.
    """

    def __init__(self, variables: SessionVariables, *, seed: int, now: float) -> None:
        self._context = quickjs.Context()
        self._context.set_memory_limit(SCRIPT_HEAP_BYTES)
        self._context.set_max_stack_size(SCRIPT_STACK_BYTES)
        # As floats: the binding keeps only 32 bits of an int.
        self._engine = self._context.eval(PRELUDE)(float(seed & 0xFFFF_FFFF), float(int(now * 1_000)))
        self._overruns = 0
        self._depth = 0
        #: How many scopes are still those that the last operation saw.
        self._kept = 0
        self._suspended: list[int] = []
        #: What was added to the engine's side so far.
        self._extensions: set[str] = set()
        self.push("session")
        self._facts = _session_facts(variables)
        self._run("facts", json.dumps(self._facts))
        # For scripts of the application. What stands above is ours, and the engine's clock counts whatever else the
        # process does meanwhile: a session must not fail at its birth for that.
        self._context.set_time_limit(SCRIPT_CPU_SECONDS)

    @property
    def depth(self) -> int:
        """How many scopes there are, to come back to with `unwind`."""
        return self._depth

    def push(self, *names: str) -> None:
        """Enter a scope; under each of the names it is a variable too."""
        if names:
            self._run("push", " ".join(names))
            self._kept += 1
        # One without a name is entered with the next operation, and many a block has none.
        self._depth += 1

    def unwind(self, depth: int) -> None:
        """Leave all scopes beyond the first `depth`; on the engine's side with the next operation."""
        self._kept = min(self._kept, depth)
        self._depth = depth

    def declare(self, name: str, expr: str | None) -> None:
        """Declare a variable in the innermost scope (5.3.1); without an expression it is undefined."""
        _check_name(name)
        self._run("declare", name, expr or "")

    def declare_input(self, name: str, expr: str | None) -> None:
        """Declare an input item's variable as `declare` does, and its undefined shadow variables (2.3)."""
        _check_name(name)
        self._run("input", name, expr or "")

    def assign(self, name: str, expr: str) -> None:
        """Set a declared variable, or a property of one, where it was declared (5.3.2)."""
        self._run("assign", _target(name), expr)

    def clear(self, name: str) -> None:
        """Make a declared variable undefined (5.3.3)."""
        self._run("clear", _target(name))

    def store(self, name: str, value: object) -> None:
        """Declare a variable in the innermost scope with a value that JSON can write."""
        self._run("store", name, json.dumps(value))

    def set_fact(self, name: str, value: object) -> None:
        """Set session.<name>, which no script can change."""
        self._run("facts", json.dumps({name: value}))

    def set_callee_type(self, callee_type: str) -> None:
        """Set session.callee_type, and the connection's."""
        connection = self._facts["connection"]
        if isinstance(connection, dict):
            self.set_fact("connection", connection | {"callee_type": callee_type})
        self.set_fact("callee_type", callee_type)

    def clear_last_result(self) -> None:
        """Make application.lastresult$ (5.1.5) undefined: nothing was recognised."""
        self._run("forget", "")

    def first_unfilled(self, names: Sequence[str]) -> int | None:
        """Return the position of the first form item of the present dialog whose variable is undefined.

        They are asked about together, because to cross over to the engine costs more than to look.
        """
        position = self._run("unfilled", " ".join(names)) if names else -1.0
        return int(position) if isinstance(position, float) and position >= 0 else None

    def suspend(self) -> None:
        """Put all scopes but the session's aside, for a subdialog (2.3.4)."""
        self._run("suspend", "")
        self._suspended.append(self._depth)
        self._depth = self._kept = 1

    def resume(self) -> None:
        """Leave the scopes of a subdialog for those that were put aside."""
        self._run("resume", "")
        self._depth = self._kept = self._suspended.pop()

    def give_nothing(self) -> None:
        """Forget what was given."""
        self._run("giving", "")

    def give(self, name: str, expr: str) -> None:
        """Hand a value over to where `take` or `take_all` is said next; objects are not copied."""
        self._run("give", name, expr)

    def give_text(self, name: str, text: str) -> None:
        """Hand a text over."""
        self._run("giveText", name, json.dumps(text))

    def take(self, name: str) -> None:
        """Declare a variable with the value that was handed over under its name."""
        _check_name(name)
        self._run("take", name)

    def take_all(self, name: str) -> None:
        """Declare a variable with all that was handed over, as an object."""
        self._run("takeAll", name)

    def run_script(self, source: str) -> None:
        """Run a script, whose variables and functions become those of the innermost scope (5.3.12)."""
        prepare = _prepared_before if len(source) <= _SHORT_SCRIPT_CHARACTERS else _prepared
        self._run("script", *prepare(source))

    def begin_list(self, expr: str) -> int:
        """Begin to go through a copy of an array; return its length."""
        self._extend(FOREACH)
        length = self._run("list", expr)
        return int(length) if isinstance(length, float) else 0

    def set_each(self, name: str, index: int) -> None:
        """Set a variable to an element of the array, declaring it if need be."""
        _check_name(name)
        self._run("each", name, str(index))

    def end_list(self) -> None:
        """Be done with the array."""
        self._run("unlist", "")

    def store_data(self, name: str, tree: str) -> None:
        """Declare a variable with a read-only document; `tree` is of `xml_data.data_json`."""
        _check_name(name)
        self._extend(DOM)
        self._run("data", name, tree)

    def interpret(self, result: Mapping[str, object]) -> None:
        """Interpret what was recognised, and set application.lastresult$ (5.1.5).

        `result` has utterance, inputmode, confidence, and either a value or the tree of a match; perhaps others of
        these, and how many are wanted at most.
        """
        self._extend(RECOGNITION)
        if "tree" in result or "others" in result:
            self._extend(MEANING)
        self._run("interpret", json.dumps(result))

    def fill(self, name: str, slot: str) -> None:
        """Fill a form item with what its own grammar heard: the slot, or else the whole (3.1.6.2)."""
        self._run("fill", name, slot)

    def fill_slot(self, name: str, slot: str) -> bool:
        """Fill a form item with a slot of what a form's grammar heard, if it has that (3.1.6.1)."""
        return self._run("slot", name, slot) is True

    def evaluate(self, expr: str) -> Value:
        """Evaluate an expression in the innermost scope."""
        return self._run("evaluate", expr)

    def condition(self, expr: str) -> bool:
        """Evaluate an expression, converted to boolean as ECMAScript does."""
        return self._run("condition", expr) is True

    def text(self, expr: str) -> str:
        """Evaluate an expression, converted to a string as ECMAScript does."""
        return str(self._run("text", expr))

    def wire_text(self, expr: str) -> str:
        """Evaluate an expression for a server: as `text`, but objects become JSON."""
        return str(self._run("wire", expr))

    def _extend(self, source: str) -> None:
        if source not in self._extensions:
            self._run("extend", source)
            self._extensions.add(source)

    def _run(self, operation: str, first: str, second: str = "") -> Value:
        kept, self._kept = self._kept, self._depth
        try:
            answer = self._engine(operation, first, second, kept, self._depth)
        except quickjs.JSException as error:
            raise self._refusal(str(error)) from None
        except (ValueError, TypeError, SystemError):
            # The binding's own, for a value that it cannot carry over; a script can bend the built-ins that
            # the prelude relies on, and harms only its own session.
            raise ScriptFailed("The result of an expression cannot be read.") from None
        return _read(answer)

    def _refusal(self, message: str) -> ScriptFailed | Exhausted:
        reason = message.partition("\n")[0]
        if _INTERRUPTED not in reason:
            return _failure(reason)
        self._overruns += 1
        if self._overruns >= MAX_SCRIPT_OVERRUNS:
            return Exhausted(f"{self._overruns} scripts ran longer than {SCRIPT_CPU_SECONDS} s.")
        return ScriptFailed(f"The script ran longer than {SCRIPT_CPU_SECONDS} s.")


def _prepared(source: str) -> tuple[str, str]:
    """Return a script as it is run, and its names as JSON."""
    names = find_names(source)
    return names.source, json.dumps(asdict(names) | {"source": ""})


#: All sessions of an application run the same scripts, and reading one takes longer than running it. Only short ones
#: are kept: these and what is made of them take 6 MiB at most, and longer ones are rare.
_SHORT_SCRIPT_CHARACTERS = 8_192
_prepared_before = lru_cache(maxsize=256)(_prepared)


def _failure(reason: str) -> ScriptFailed:
    if reason == "null":
        # The engine throws it when not even an exception fits into the heap; so may a script.
        reason = "null, which is what is thrown when there is no memory left"
    return ScriptFailed(reason or "An expression failed.")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name) or name in _SCOPES:
        raise ScriptFailed(f"{name!r} cannot be the name of a variable.")


def _target(name: str) -> str:
    stripped = name.strip()
    if not _TARGET.fullmatch(stripped):
        raise ScriptFailed(f"{name!r} is not a variable that can be set.")
    return stripped


def _read(answer: object) -> Value:
    """Read what the prelude wrote; see its table of letters."""
    if answer == "u":
        return UNDEFINED  # most operations have no result
    if not isinstance(answer, str) or not answer:
        raise ScriptFailed("The result of an expression cannot be read.")
    if len(answer) > MAX_SCRIPT_TEXT_CHARACTERS:
        raise ScriptFailed(f"The result is longer than {MAX_SCRIPT_TEXT_CHARACTERS} characters.")
    letter, content = answer[0], answer[1:]
    match letter:
        case "s":
            return content
        case "n":
            return float(content.replace("Infinity", "inf"))
        case "b":
            return content == "1"
        case "o":
            return JsonText(content)
        case "z":
            return None
        case "u":
            return UNDEFINED
        case _:
            raise _failure(content)


def _session_facts(variables: SessionVariables) -> dict[str, object]:
    """Lay the session's variables out as 5.1.4 names them."""
    facts: dict[str, object] = {
        "id": variables.session_id,
        "callee_type": variables.callee_type,
        "telephone": {"ani": variables.ani, "dnis": variables.dnis},
        "connection": {
            "local": {"uri": _uri(variables.ani)},
            "remote": {"uri": _uri(variables.dnis)},
            "callee_type": variables.callee_type,
            # The side that began the call, which on an outbound call is ours; the prelude resolves it.
            "originator": "local",
            "protocol": {"name": "sip", "version": "2.0"},
        },
    }
    for name, value in variables.more:
        if name in facts or not _NAME.fullmatch(name):
            raise ScriptFailed(f"{name!r} cannot be the name of a further session variable.")
        facts[name] = value
    return facts


def _uri(number: str) -> str:
    return f"tel:{number}" if number[:1].isdigit() or number.startswith("+") else number
