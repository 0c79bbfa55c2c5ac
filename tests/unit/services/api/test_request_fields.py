"""Typed reads of a request's parameters."""

import pytest

from services.api.request_fields import Fields, written_fields
from shared.domain.errors import Invalid


def written(value: str) -> Fields:
    """Return a field `f` that came by form or query."""
    return written_fields([("f", value)])


def sent(value: object) -> Fields:
    """Return a field `f` that came in a JSON body."""
    return Fields({"f": value})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (written("3wkdays"), "3wkdays"),
        (written('"3wkdays"'), "3wkdays"),
        (written(r'"a \"b\" \u00e9"'), 'a "b" é'),
        (written(r'"C:\Users"'), r"C:\Users"),  # quotes around what is no JSON string
        (written('"'), '"'),
        (written('""'), ""),
        (written('"a" and "b"'), 'a" and "b'),
        (written(""), ""),
        (written(" a "), " a "),
        (sent("3wkdays"), "3wkdays"),
        (sent('"3wkdays"'), '"3wkdays"'),  # JSON has its own quotes: these are meant
        (sent(6), "6"),
    ],
)
def test_a_text_loses_the_quotes_that_only_some_clients_send(fields: Fields, text: str) -> None:
    """With or without the quotes of the documented commands, a text is the same."""
    assert fields.text("f") == text


@pytest.mark.parametrize("value", [True, None, 1.5, ["a"], {"a": 1}])
def test_what_is_no_text_is_refused_as_one(value: object) -> None:
    """A list, an object, null, a boolean and a fraction are no text."""
    with pytest.raises(Invalid, match="The f must be one text") as refusal:
        sent(value).text("f")
    assert refusal.value.field == "f"


def test_a_list_of_a_form_is_no_text() -> None:
    """`f[]=a` is a list even where it has one item."""
    with pytest.raises(Invalid, match="one text"):
        written_fields([("f[]", "a")]).text("f")


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (written("30"), 30),
        (written('"30"'), 30),
        (written("030"), 30),
        (written("0"), 0),
        (written("99999999999"), 99_999_999_999),
        (sent(30), 30),
        (sent("30"), 30),
        (sent(99_999_999_999), 99_999_999_999),
    ],
)
def test_an_integer_is_1_to_11_digits(fields: Fields, number: int) -> None:
    """The documented width is taken, from a form, a JSON number or a JSON text."""
    assert fields.integer("f") == number


@pytest.mark.parametrize(
    "fields",
    [
        *map(
            written,
            ["", "-1", "+1", " 5", "5 ", "5\n", "1.5", "1_000", "1e3", "0x1", "\uff11", "\u0663", "abc"],
        ),
        *map(written, ["100000000000", "9" * 5000, '"', "null", "[1]"]),
        *map(sent, [-1, 1.0, True, None, [1], 100_000_000_000, 10**30, "１"]),  # noqa: RUF001 - the full-width digit
    ],
)
def test_what_only_looks_like_an_integer_is_refused(fields: Fields) -> None:
    """What Python's int() would take, and what would overflow a column, is refused."""
    with pytest.raises(Invalid, match="whole number of 1 to 11 digits"):
        fields.integer("f")


@pytest.mark.parametrize(
    ("fields", "items"),
    [
        (written('["mon","wed"]'), ["mon", "wed"]),
        (written('"[\\"mon\\",\\"wed\\"]"'), ["mon", "wed"]),  # in quotes, escaped
        (written('"["mon","wed"]"'), ["mon", "wed"]),  # in quotes, not escaped
        (written('[{"profile":"x"}]'), [{"profile": "x"}]),
        (written("[]"), []),
        (written_fields([("f[]", "mon"), ("f[]", "wed")]), ["mon", "wed"]),
        (written_fields([("f[0]", "mon"), ("f[1]", "wed")]), ["mon", "wed"]),
        (sent(["mon", 1]), ["mon", 1]),
        (sent('["mon"]'), ["mon"]),  # an array written into a JSON text
    ],
)
def test_an_array_is_read_however_it_is_wrapped(fields: Fields, items: list[object]) -> None:
    """A JSON array is one as JSON, as text, as quoted text and as a list of PHP."""
    assert fields.array("f") == items


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (written("mon,wed"), "must be JSON. The JSON is malformed"),
        (written("mon"), "must be JSON"),
        (written(""), "must be JSON"),
        (written('"mon"'), "must be JSON"),
        (written("'[\"mon\"]'"), "must be JSON"),
        (written('["mon"'), "must be JSON"),
        (written('["a","\\ud800"]'), "surrogate"),
        (written("[" * 100_000), "deeper than 32"),
        (written('"' * 100_000), "must be JSON"),
        (written('[{"a":1,"a":2}]'), "same key twice"),
        (written('{"a":1}'), "must be a JSON array"),
        (written("1"), "must be a JSON array"),
        (sent(None), "must be a JSON array"),
        (sent({"a": 1}), "must be a JSON array"),
        (sent("mon"), "must be JSON"),
    ],
)
def test_what_is_no_array_is_refused(fields: Fields, words: str) -> None:
    """Comma lists, single values, broken and hostile JSON are refused under the field's name."""
    with pytest.raises(Invalid, match=words) as refusal:
        fields.array("f")
    assert refusal.value.field == "f"


def test_json_gives_any_value() -> None:
    """A JSON value is read from text, and given as it is where it came as JSON."""
    assert written('{"a":[1]}').json("f") == {"a": [1]}
    assert sent({"a": [1]}).json("f") == {"a": [1]}
    assert sent(None).json("f") is None


def test_raw_gives_what_was_sent() -> None:
    """Nothing is taken away or read into a raw value."""
    assert written('"a"').raw("f") == '"a"'
    assert sent([None]).raw("f") == [None]


@pytest.mark.parametrize("read", [Fields.raw, Fields.text, Fields.integer, Fields.json, Fields.array])
def test_a_field_that_was_not_sent_is_required(read: object) -> None:
    """Reading what is not there says that it is required, by its name."""
    assert callable(read)
    with pytest.raises(Invalid, match="The days field is required") as refusal:
        read(Fields({}), "days")
    assert refusal.value.field == "days"


def test_of_equal_names_the_last_wins() -> None:
    """A later value takes the place of an earlier one, a list of a text and the other way round."""
    fields = written_fields(
        [("a", "1"), ("a", "2"), ("b[]", "x"), ("b", "y"), ("c", "x"), ("c[]", "y"), ("c[]", "z")]
    )
    assert fields.values == {"a": "2", "b": "y", "c": ["y", "z"]}


@pytest.mark.parametrize("name", ["a[b]", "a[0][b]", "[]", "a[]b", "a[99999]", "a["])
def test_other_brackets_are_part_of_the_name(name: str) -> None:
    """Only `name[]` and `name[0]` are lists; deeper ones are names that nobody asks for."""
    assert written_fields([(name, "1")]).names == {name}


def test_one_source_over_another_keeps_how_each_value_came() -> None:
    """Where both have a name the upper wins, and quotes are taken away only from what was written as text."""
    fields = sent('"body"').over(written_fields([("f", '"query"'), ("g", '"query"')]))
    assert (fields.text("f"), fields.text("g")) == ('"body"', "query")
    assert ("f" in fields, "x" in fields) == (True, False)


def test_a_dump_of_fields_shows_no_value() -> None:
    """Parameters hold telephone numbers; the object that holds them may end up in a log."""
    assert "12223334444" not in repr(written("+12223334444"))
