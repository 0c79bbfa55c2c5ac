"""What a person reads when something fails: one sentence, never a traceback.

A defect of ours is the exception: it is told in one sentence too, and its traceback is kept for whoever mends it.
"""

import os
import sys
import traceback
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_settings import SettingsError

from shared.domain.errors import PacelineError
from shared.settings import Settings

#: Asks for the traceback of a defect.
TRACEBACK_SETTING = "PACELINE_LOG_LEVEL"


class Missing(PacelineError):
    """Something that the command needs was not given."""


def sentence_for(error: Exception) -> str | None:
    """Return what to tell a person about `error`; None for a defect of ours, which nobody can mend by reading."""
    match error:
        case PacelineError():
            return error.message
        case ValidationError() if error.title == Settings.__name__:
            return " ".join(_setting_sentences(error))
        case SettingsError():
            return (
                f'A setting cannot be read: {error}. Lists are written as JSON, for example ["10.0.0.0/8"].'
            )
        case OSError() if error.filename is not None:
            return f"{error.filename} cannot be used: {(error.strerror or 'no reason is known').lower()}."
        case _:
            return None


def defect_sentence(error: Exception) -> str:
    """Return what to tell a person about a defect."""
    name = type(error).__name__
    return (
        f"Paceline has a defect ({name}: {error}). Please report it; {TRACEBACK_SETTING}=debug in the environment "
        "shows where it is."
    )


def tell(error: Exception) -> None:
    """Write on standard error what a person should know."""
    sentence = sentence_for(error)
    # A service's log is read by whoever mends it, so a defect leaves its traceback there.
    if sentence is None and (wants_traceback() or not sys.stderr.isatty()):
        traceback.print_exception(error)
    sys.stderr.write(f"{sentence or defect_sentence(error)}\n")


def wants_traceback() -> bool:
    """Tell whether the person asked for tracebacks."""
    return os.environ.get(TRACEBACK_SETTING, "").lower() == "debug"


def _setting_sentences(error: ValidationError) -> Iterable[str]:
    """Name each refused setting by its environment variable, and never repeat its value: it may be a password."""
    for fact in error.errors(include_input=False, include_url=False):
        name = variable_of(str(fact["loc"][0])) if fact["loc"] else "A setting"
        yield f"{name} cannot be used: {_lower_first(fact['msg'])}. Correct it, or unset it for the default."


def variable_of(field: str) -> str:
    """Return the environment variable of a field of Settings (which pydantic reports by alias where it has one)."""
    known = Settings.model_fields.get(field)
    if known is None or known.validation_alias is not None:
        return field
    return f"{Settings.model_config.get('env_prefix', '')}{field}".upper()


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
