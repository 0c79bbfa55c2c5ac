"""Parameters by the model that describes them: what a handler may read is what the API's description shows.

A parameter that the model does not know is not there for the handler, and one that it requires was sent; both follow
from the model, so that neither can be forgotten in the description.
"""

from pydantic import BaseModel

from services.api.request_body import Fields
from shared.domain.errors import Invalid


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
