"""The audit log: who changed what, over HTTP and by the command line, and that it stays."""

import re
from typing import TYPE_CHECKING

import asyncpg
import pytest

from shared.domain.access import Role

if TYPE_CHECKING:
    from tests.integration.conftest import WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLES = ("paceline_admin", "paceline_api", "paceline_pacer", "paceline_dialer", "paceline_deliverer")


async def test_a_change_is_noted_with_who_what_before_and_after(whole_api: "WholeApi") -> None:
    """Of an update, what it changed and no more; narrowed to one object; read on by the last id."""
    admin = await whole_api.token()
    operator = await whole_api.token(role=Role.OPERATOR, name="o'perator; \N{SNOWMAN}")
    _, made = await whole_api.ask(
        operator, "POST", "/api/schedules", data={"days": '["mon"]', "nickname": "a"}
    )
    schedule_id = made["response"]["id"]
    path = f"/api/schedules/{schedule_id}"
    assert (await whole_api.ask(operator, "PATCH", path, data={"nickname": "b"}))[0] == 200
    _, entries = await whole_api.ask(admin, "GET", "/api/audit", params={"object": f"schedule:{schedule_id}"})
    assert [entry["action"] for entry in entries] == ["update", "insert"]
    changed = entries[0]
    assert changed["who"]["name"] == "o'perator; \N{SNOWMAN}"
    assert changed["who"]["process"] == "paceline_api"
    assert changed["request"] == {"method": "PATCH", "route": "/api/schedules/{id}", "path": path}
    assert (changed["before"]["nickname"], changed["after"]["nickname"]) == ("a", "b")
    assert "days" not in changed["before"]
    _, older = await whole_api.ask(
        admin, "GET", "/api/audit", params={"object": "schedule", "after": str(changed["id"]), "limit": "1"}
    )
    assert older == entries[1:]


async def test_what_was_refused_is_not_noted(whole_api: "WholeApi") -> None:
    """The entry is a part of the change, and goes with it: whatever is asked of what is not there leaves none."""
    admin = await whole_api.token()
    forms = {
        "/api/receivers/enable": {"url": "https://nobody.example/"},
        "/api/schedules": {"days": '["never"]'},
    }
    refused = 0
    for route in whole_api.routes:
        if route.method == "GET":
            continue
        before = await whole_api.store.one("SELECT count(*) FROM audit_log")
        path = re.sub(r"\{[a-z_0-9]+\}", "999999", route.template)
        status, _ = await whole_api.ask(admin, route.method, path, data=forms.get(path))
        if status < 400:
            continue
        refused += 1
        assert await whole_api.store.one("SELECT count(*) FROM audit_log") == before, path
    assert refused >= 20


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [('["+12025550100","+12025550100","x"]', (1, 1, 1)), ('["x"]', (0, 0, 1)), ("[]", (0, 0, 0))],
)
async def test_an_upload_is_noted_whatever_came_of_it(
    whole_api: "WholeApi", numbers: str, counts: tuple[int, int, int]
) -> None:
    """One entry with its counts, also of a list of which nothing was taken: it is listed among the uploads, too."""
    admin = await whole_api.token()
    tenant_id: int = await whole_api.store.one("SELECT tenant_id FROM tenant")
    campaign_id = await whole_api.store.campaign(tenant_id)
    form = {"campaign_id": str(campaign_id), "phone_numbers": numbers}
    assert (await whole_api.ask(admin, "POST", "/api/campaigns/add-calls", data=form))[0] == 200
    _, entries = await whole_api.ask(admin, "GET", "/api/audit", params={"object": f"campaign:{campaign_id}"})
    [noted] = [entry for entry in entries if entry["request"]["route"] == "/api/campaigns/add-calls"]
    assert (noted["who"]["name"], noted["table"]) == ("test", "batch")
    _, [upload] = await whole_api.ask(admin, "GET", f"/api/campaigns/{campaign_id}/uploads")
    told = upload["accepted"], upload["duplicates"], upload["refused"]
    changed = {"accepted": 0, "duplicates": 0, "refused": 0, **noted["after"]}
    assert told == (changed["accepted"], changed["duplicates"], changed["refused"]) == counts


async def test_a_long_list_is_one_entry_with_a_count(whole_api: "WholeApi") -> None:
    """A few numbers are named one by one, many are counted."""
    admin = await whole_api.token()
    for count in (2, 50):
        numbers = ",".join(f'"+1202555{1000 + 100 * (count > 20) + n}"' for n in range(count))
        assert (await whole_api.ask(admin, "POST", "/api/blocklist", data={"phone_numbers": f"[{numbers}]"}))[
            0
        ] == 200
    _, entries = await whole_api.ask(admin, "GET", "/api/audit", params={"object": "blocklist"})
    assert [entry["rows"] for entry in entries] == [50, 1, 1]
    assert len(entries[0]["after"]["some"]) == 20


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "INSERT INTO audit_log (tenant_id, process, action, table_name, object_type) VALUES (1, 'x', 'insert', '', '')",
    ],
)
async def test_no_role_changes_what_was_written_or_writes_by_itself(
    whole_api: "WholeApi", role: str, statement: str
) -> None:
    """Triggers write, and nobody else; the owner is refused, too."""
    await whole_api.token()
    for who in (role, None) if "INSERT" not in statement else (role,):
        async with whole_api.store.session(who) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    assert await whole_api.store.one("SELECT count(*) FROM audit_log") > 0
