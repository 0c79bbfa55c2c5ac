"""Parameters by the model that describes them."""

import pytest
from pydantic import BaseModel, Field

from services.api.parameters import described, flag_of, given, sent
from services.api.request_body import Fields
from services.api.request_fields import written_fields
from shared.domain.errors import Invalid


class Pair(BaseModel):
    """A model with one parameter of each kind."""

    wanted: str
    welcome: int | None = None


def test_what_the_model_does_not_know_is_not_there() -> None:
    """A handler cannot read what is not described; texts of a form stay texts of a form."""
    fields = described(written_fields([("wanted", '"x"'), ("other", "y")]), Pair)
    assert fields.names == {"wanted"}
    assert fields.text("wanted") == "x"


@pytest.mark.parametrize("values", [{}, {"wanted": ""}, {"wanted": None}, {"welcome": 1}])
def test_what_the_model_requires_must_be_sent(values: dict[str, object]) -> None:
    """In the words of the published service; an empty value and a null are none."""
    with pytest.raises(Invalid, match="The wanted field is required") as caught:
        described(Fields(values), Pair)
    assert caught.value.field == "wanted"


def test_a_null_is_not_sent() -> None:
    """A JSON client that writes every field it knows changes only those that it gives a value."""
    fields = described(Fields({"wanted": "x", "welcome": None}), Pair)
    assert not sent(fields, "welcome")
    assert fields.names == {"wanted"}


def test_an_empty_list_is_sent_and_is_not_given() -> None:
    """A list of no numbers is a list; a change to no windows is none."""
    fields = Fields({"phone_numbers": []})
    assert (sent(fields, "phone_numbers"), given(fields, "phone_numbers")) == (True, False)
    assert given(Fields({"phone_numbers": ["x"]}), "phone_numbers")
    assert not given(Fields({}), "phone_numbers")


def test_a_switch_is_read_as_any_client_writes_it() -> None:
    """In a form, in a query, and in JSON as a number or as what JSON has for it."""
    on, off = ["1", "true", " TRUE ", 1, True], ["0", "false", 0, False, "", None]
    read = [flag_of(Fields({"validate_only": value}), "validate_only") for value in (*on, *off)]
    assert read == [True] * len(on) + [False] * len(off)


@pytest.mark.parametrize("value", ["yes", "2", 3, "on", [], ["1"], {}, 1.0])
def test_a_switch_that_is_neither_on_nor_off_is_refused(value: object) -> None:
    """Nobody guesses whether a thousand results are meant to be sent."""
    with pytest.raises(Invalid) as refusal:
        flag_of(Fields({"validate_only": value}), "validate_only")
    assert refusal.value.field == "validate_only"


class Span(BaseModel):
    """A model with a name that is a word of Python."""

    from_: str | None = Field(None, alias="from")


def test_a_parameter_goes_by_the_name_that_is_sent() -> None:
    """Also where Python has a word of its own for it."""
    assert described(Fields({"from": "x", "from_": "y"}), Span).names == {"from"}
