"""Ids in paths."""

import pytest
from aiohttp.test_utils import make_mocked_request

from services.api.routes import path_id
from shared.domain.errors import NotFound


@pytest.mark.parametrize(("written", "read"), [("7", 7), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_digits_are_an_id(written: str, read: int) -> None:
    """Up to what the database can hold."""
    assert path_id(make_mocked_request("GET", "/x", match_info={"id": written})) == read


@pytest.mark.parametrize("written", ["", "x", "-1", "1.0", "9" * 19, "\u0661", "1\n"])
def test_anything_else_is_nothing_that_there_is(written: str) -> None:
    """404, and no error of a database that was asked for it."""
    with pytest.raises(NotFound):
        path_id(make_mocked_request("GET", "/x", match_info={"id": written}))
