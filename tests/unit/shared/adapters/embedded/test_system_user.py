"""Whom root's servers run as."""

import os

import pytest

from shared.adapters.embedded.failures import CannotStart
from shared.adapters.embedded.system_user import Account, choose_account, find_account, server_account


@pytest.mark.parametrize(
    ("there", "can_add", "chosen", "added"),
    [
        ({"paceline", "postgres", "nobody"}, True, "paceline", 0),
        ({"postgres", "nobody"}, True, "paceline", 1),
        ({"postgres", "nobody"}, False, "postgres", 1),
        ({"_postgres", "nobody"}, False, "_postgres", 1),
        ({"nobody"}, False, "nobody", 1),
    ],
)
def test_our_own_user_comes_first_then_one_that_exists(
    there: set[str],
    can_add: bool,
    chosen: str,
    added: int,
) -> None:
    """A user is made only where ours is missing, and a machine that cannot make one still has some."""
    additions: list[str] = []

    def add() -> None:
        additions.append("paceline")
        if can_add:
            there.add("paceline")

    def find(name: str) -> Account | None:
        return Account(name=name, uid=1, gid=1) if name in there else None

    assert choose_account(find, add).name == chosen
    assert len(additions) == added


def test_where_no_user_can_be_had_the_sentence_says_how_to_make_one() -> None:
    """Nobody is left with Postgres' own refusal to run as root."""
    with pytest.raises(CannotStart, match="run `useradd --system paceline`"):
        choose_account(lambda _: None, lambda: None)


@pytest.mark.parametrize("name", ["root", "no-such-user-here"])
def test_root_and_strangers_are_no_answer(name: str) -> None:
    """The point of the account is that it is not root."""
    assert find_account(name) is None


def test_only_root_needs_another_user() -> None:
    """An ordinary user's servers run as that user."""
    account = server_account()
    assert (account is not None) == (os.geteuid() == 0)
    assert account is None or account.uid != 0
