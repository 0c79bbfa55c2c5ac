"""Tokens over HTTP: who may make them, what each role may do, and when they end."""

import re
from typing import TYPE_CHECKING

import pytest

from shared.adapters.postgres.tokens import MOST_TOKENS, token_hash
from shared.domain.access import Role

if TYPE_CHECKING:
    from tests.integration.conftest import WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/tokens"


async def test_an_admin_makes_a_token_that_is_shown_once(whole_api: "WholeApi") -> None:
    """Its secret is in the answer that made it; lists, the log and the database have everything but that."""
    admin = await whole_api.token()
    status, made = await whole_api.ask(
        admin, "POST", PATH, data={"name": "crm", "role": "reader", "days": "30"}
    )
    assert status == 200, made
    token = made["response"].pop("token")
    assert len(token) == len("pl_") + 43  # 256 bits
    _, listed = await whole_api.ask(admin, "GET", PATH)
    assert [each["name"] for each in listed] == ["test", "crm"]
    assert listed[1] == made["response"] | {"last_used_at": None}
    assert listed[1]["role"] == "reader"
    assert listed[1]["expires_at"] > listed[1]["created_at"]
    stored = await whole_api.store.sql("SELECT * FROM api_token")
    assert stored[1]["secret_hash"] == token_hash(token)
    everything = repr(await whole_api.store.picture())
    assert token not in everything
    assert (await whole_api.ask(token, "GET", "/api/campaigns"))[0] == 200


async def test_a_role_opens_what_its_routes_need_and_nothing_above(whole_api: "WholeApi") -> None:
    """Every route answers 403, naming the role, to a token of less; and no other answer than 403 to none of enough."""
    tokens = {role: await whole_api.token(role=role) for role in Role}
    wrong = []
    for route in whole_api.routes:
        if route.public:
            continue
        path = re.sub(r"\{[^{}]*\}", "999999", route.template)
        for role, token in tokens.items():
            # `stop` of nothing, an empty form, an unknown id: whatever it is, it is not done.
            status, body = await whole_api.ask(token, route.method, path)
            refused = status == 403 and f"the role {route.needs}" in str(body)
            if refused == role.may_act_as(route.needs):
                wrong.append((route.method, route.path, role, status, body))
    assert wrong == []


async def test_tokens_and_the_audit_log_are_the_admins(whole_api: "WholeApi") -> None:
    """In the route table itself, so that a change of it is noticed."""
    admins = {(route.method, route.path) for route in whole_api.routes if route.needs is Role.ADMIN}
    assert admins >= {
        ("GET", PATH),
        ("POST", PATH),
        ("DELETE", f"{PATH}/{{token_id}}"),
        ("GET", "/api/audit"),
    }


async def test_an_expired_a_revoked_and_an_unknown_token_are_told_apart_by_nobody(
    whole_api: "WholeApi",
) -> None:
    """All three are 401 in the same words, with the challenge that the protocol wants."""
    admin, expired, revoked = [await whole_api.token(name=name) for name in ("a", "b", "c")]
    await whole_api.store.sql(
        "UPDATE api_token SET expires_at = clock_timestamp() - interval '1 s' WHERE name = 'b'"
    )
    _, listed = await whole_api.ask(admin, "GET", PATH)
    ids = {each["name"]: each["id"] for each in listed}
    assert (await whole_api.ask(revoked, "GET", PATH))[0] == 200
    assert (await whole_api.ask(admin, "DELETE", f"{PATH}/{ids['c']}"))[0] == 200
    answers = [await whole_api.ask(token, "GET", PATH) for token in (expired, revoked, "pl_nobody-knows")]
    assert answers[0][0] == 401
    assert answers[0] == answers[1] == answers[2]
    async with whole_api.client.get(PATH, headers={"Authorization": f"Bearer {revoked}"}) as answer:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    _, listed = await whole_api.ask(admin, "GET", PATH)
    assert [each["name"] for each in listed] == ["a", "b"]
    assert (await whole_api.ask(admin, "DELETE", f"{PATH}/{ids['c']}"))[0] == 404


async def test_the_last_use_is_noted_to_ten_minutes(whole_api: "WholeApi") -> None:
    """The first use is; the next ones are not, until it is ten minutes old. The audit log knows nothing of it."""
    token = await whole_api.token()
    uses = []
    for age in ("0 s", "5 min", "11 min"):
        await whole_api.store.sql(
            f"UPDATE api_token SET last_used_at = last_used_at - interval '{age}'"  # noqa: S608 - of this list
        )
        before = await whole_api.store.one("SELECT last_used_at FROM api_token")
        await whole_api.ask(token, "GET", "/api/campaigns")
        uses.append(before != await whole_api.store.one("SELECT last_used_at FROM api_token"))
    assert uses == [True, False, True]
    entries = await whole_api.store.sql(
        "SELECT action FROM audit_log WHERE object_type = 'token' AND process <> current_user"
    )
    assert [entry["action"] for entry in entries] == ["insert"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 65), ("name", "two\nlines"), ("role", ""), ("role", "root"), ("role", "Admin"),
        ("days", "0"), ("days", "3651"), ("days", "-1"), ("days", "1.5"), ("days", "\N{FULLWIDTH DIGIT ONE}"),
        # As lists call it: passed over, it would make a token that never expires.
        ("expires_at", "2026-12-31T00:00:00Z"),
    ],
)  # fmt: skip
async def test_a_token_that_cannot_be_meant_is_not_made(
    whole_api: "WholeApi", field: str, value: str
) -> None:
    """422 by the field's name."""
    admin = await whole_api.token()
    fields = {"name": "n", "role": "reader", field: value}
    status, body = await whole_api.ask(admin, "POST", PATH, data=fields)
    assert (status, list(body)) == (422, [field])
    assert await whole_api.store.one("SELECT count(*) FROM api_token") == 1


async def test_a_tenant_has_no_more_tokens_than_can_be_looked_after(whole_api: "WholeApi") -> None:
    """409 beyond them, until one is revoked."""
    admin = await whole_api.token()
    await whole_api.store.sql(
        "INSERT INTO api_token (tenant_id, name, secret_hash)"
        " SELECT tenant_id, 'n', sha256(n::text::bytea) FROM api_token, generate_series(2, $1) AS n",
        MOST_TOKENS,
    )
    fields = {"name": "one more", "role": "reader"}
    assert (await whole_api.ask(admin, "POST", PATH, data=fields))[0] == 409
    _, listed = await whole_api.ask(admin, "GET", PATH)
    assert len(listed) == MOST_TOKENS
    await whole_api.ask(admin, "DELETE", f"{PATH}/{listed[-1]['id']}")
    assert (await whole_api.ask(admin, "POST", PATH, data=fields))[0] == 200
