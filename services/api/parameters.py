"""Parameters by the model that describes them: what a handler may read is what the API's description shows.

A parameter that the model does not know is not there for the handler, and one that it requires was sent; both follow
from the model, so that neither can be forgotten in the description.
"""

from typing import Final

from pydantic import BaseModel

from services.api.request_body import Fields
from shared.domain.errors import Invalid

_SWITCHES: Final[dict[str | bool, bool]] = {
    "1": True, "true": True, True: True, "0": False, "false": False, False: False,
}  # fmt: skip


def described(fields: Fields, model: type[BaseModel]) -> Fields:
    """Return the fields that the model describes; raises Invalid for the first that it requires and that is not there.

    An empty one counts as not sent where one is required, as in a form that nobody filled in; a null does everywhere.
    """
    parameters = {parameter.alias or name: parameter for name, parameter in model.model_fields.items()}
    for name, parameter in parameters.items():
        if parameter.is_required() and not sent(fields, name):
            raise Invalid(name, f"The {name} field is required.")
    known = {name for name in fields.names & parameters.keys() if fields.raw(name) is not None}
    return Fields({name: fields.raw(name) for name in known}, fields.written & known)


def sent(fields: Fields, name: str) -> bool:
    """Tell whether a field was sent and is not empty."""
    return name in fields.names and fields.raw(name) not in ("", None)


def given(fields: Fields, name: str) -> bool:
    """Tell the same of a field whose empty list says nothing either, as in a form in which nothing was chosen."""
    return sent(fields, name) and fields.raw(name) != []


def flag_of(fields: Fields, name: str) -> bool:
    """Return whether a switch is on: 1 or true, 0 or false, off where nothing was sent.

    Raises Invalid for what is neither: a guess would store a list, or send a thousand results.
    """
    if not sent(fields, name):
        return False
    written = fields.raw(name)
    word = written if isinstance(written, bool) else fields.text(name).strip().lower()
    if word not in _SWITCHES:
        raise Invalid(name, f"The {name} field is 1 or 0.")
    return _SWITCHES[word]
