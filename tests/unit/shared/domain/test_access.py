"""What a token may do."""

import pytest

from shared.domain.access import Role, RoleNeeded, check_role, usual_role


@pytest.mark.parametrize("held", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_may_what_those_before_it_may(held: Role, needed: Role) -> None:
    """Reader, operator, admin, in that order; a refusal names what is needed."""
    order = ["reader", "operator", "admin"]
    assert held.may_act_as(needed) == (order.index(held) >= order.index(needed))
    if held.may_act_as(needed):
        check_role(held, needed)
    else:
        with pytest.raises(RoleNeeded, match=f"the role {needed}"):
            check_role(held, needed)


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("GET", Role.READER), ("HEAD", Role.READER), ("POST", Role.OPERATOR), ("PUT", Role.OPERATOR),
        ("PATCH", Role.OPERATOR), ("DELETE", Role.OPERATOR), ("PROPFIND", Role.OPERATOR),
    ],
)  # fmt: skip
def test_a_route_that_says_nothing_lets_readers_look_and_operators_change(method: str, role: Role) -> None:
    """A method that nobody thought of changes something until the opposite is known."""
    assert usual_role(method) is role
