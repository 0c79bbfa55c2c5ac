"""Profiles over HTTP, by the published document: every id of its checklist from PLUM-40 to PLUM-46."""

import pytest

from shared.domain.campaign import Dialect
from tests.integration.plum.customers import Customer, World, attached

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAKEN = {"nickname": ["The nickname has already been taken."]}
PACE = {"period": "30", "amount_per_period": "100", "time_between_periods": "10"}


async def test_a_profile_is_made_of_three_figures(acme: Customer) -> None:
    """PLUM-40, PLUM-42: id and nickname of the profile itself, whatever the published example prints."""
    made = await acme.post("/api/profiles", **PACE, nickname="MorningPace")
    profile_id = made.body["response"]["id"]
    assert made.status == 200
    assert made.body == {"status": "success", "response": {"id": profile_id, "nickname": "MorningPace"}}


@pytest.mark.parametrize("missing", PACE)
async def test_each_figure_is_required(acme: Customer, missing: str) -> None:
    """PLUM-40: 422 by its name; an empty field is none."""
    for form in (
        {name: value for name, value in PACE.items() if name != missing},
        {**PACE, missing: ""},
    ):
        refused = await acme.post("/api/profiles", **form)
        assert refused.body == {missing: [f"The {missing} field is required."]}
    assert await acme.get("/api/profiles") == []


async def test_a_pace_is_kept_as_it_was_sent(acme: Customer) -> None:
    """PLUM-41: thirty minutes, a hundred calls in them, ten minutes without any."""
    await acme.post("/api/profiles", **PACE)
    [listed] = await acme.get("/api/profiles")
    figures = (listed["period"], listed["amount_per_period"], listed["time_between_periods"])
    assert figures == (30, 100, 10)


@pytest.mark.parametrize("again", ["MorningPace", "morningpace"])
async def test_a_nickname_is_given_once(acme: Customer, again: str) -> None:
    """PLUM-42: 422 in the documented words; a schedule may have the same name."""
    await acme.profile("MorningPace")
    refused = await acme.post("/api/profiles", **PACE, nickname=again)
    assert (refused.status, refused.body) == (422, TAKEN)
    await acme.schedule("MorningPace")


async def test_profiles_are_listed_with_their_pace(acme: Customer) -> None:
    """PLUM-43: the published keys first, and the figures that the text promises beside them."""
    ids = [await acme.profile("MorningPace"), await acme.profile("MorningCalls")]
    listed = await acme.get("/api/profiles")
    assert [(each["profile_id"], each["nickname"]) for each in listed] == list(
        zip(ids, ("MorningPace", "MorningCalls"), strict=True)
    )
    assert set(listed[0]) == {"profile_id", "nickname", *PACE}


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_what_was_sent(acme: Customer, method: str) -> None:
    """PLUM-44: the published line with all four, then one figure alone; id and nickname come back."""
    profile_id = await acme.profile()
    path = f"/api/profiles/{profile_id}"
    changed = await acme.call(
        method, f"{path}?period=31&amount_per_period=101&time_between_periods=11&nickname=30-100-10"
    )
    assert changed.body == {"status": "success", "response": {"id": profile_id, "nickname": "30-100-10"}}
    await acme.call(method, f"{path}?amount_per_period=7&period=")
    [listed] = await acme.get("/api/profiles")
    assert {name: listed[name] for name in PACE} == {
        "period": 31, "amount_per_period": 7, "time_between_periods": 11,
    }  # fmt: skip


async def test_an_update_keeps_to_names_that_are_free(acme: Customer) -> None:
    """PLUM-44: another's is refused, and no figure is changed either."""
    profile_id = await acme.profile("mine")
    await acme.profile("hers")
    before = await acme.get("/api/profiles")
    refused = await acme.call("PATCH", f"/api/profiles/{profile_id}?nickname=hers&period=5")
    assert (refused.status, refused.body) == (422, TAKEN)
    assert await acme.get("/api/profiles") == before


async def test_a_profile_in_use_is_not_deleted(acme: Customer) -> None:
    """PLUM-45: 400 in the documented words, naming the campaign with the highest id; free again, it goes."""
    profile_id = await acme.profile("MorningPace")
    await acme.campaign()
    campaigns = [await acme.campaign(profiles=attached("MorningPace")) for _ in range(2)]
    for campaign_id in reversed(campaigns):
        refused = await acme.call("DELETE", f"/api/profiles/{profile_id}")
        assert (refused.status, refused.body) == (
            400,
            {
                "status": "error",
                "error": f"Profile MorningPace(id {profile_id}) is being used with campaign id {campaign_id}.",
            },
        )
        await acme.call("DELETE", f"/api/campaigns/{campaign_id}")
    gone = await acme.call("DELETE", f"/api/profiles/{profile_id}")
    assert (gone.status, gone.body) == (200, {"status": "success"})
    assert [each["nickname"] for each in await acme.get("/api/profiles")] == ["calm"]


@pytest.mark.parametrize(
    ("field", "value", "taken"),
    [
        ("period", "0", False),
        ("period", "1", True),
        ("period", "527040", True),
        ("period", "527041", False),
        ("amount_per_period", "0", False),
        ("amount_per_period", "1000000000", True),
        ("amount_per_period", "99999999999", False),
        ("time_between_periods", "0", True),
        ("time_between_periods", "-1", False),
        ("time_between_periods", "99999999999", False),
    ],
)
async def test_figures_have_limits(acme: Customer, field: str, value: str, *, taken: bool) -> None:
    """PLUM-46: no calls in no time are refused, and figures of which no calendar is left; no gap is a gap."""
    made = await acme.post("/api/profiles", **{**PACE, field: value})
    assert (made.status, list(made.body)) == ((200, ["status", "response"]) if taken else (422, [field]))
    profile_id = await acme.profile("p")
    changed = await acme.call("PATCH", f"/api/profiles/{profile_id}?{field}={value}")
    assert (changed.status, list(changed.body)) == (
        (200, ["status", "response"]) if taken else (422, [field])
    )


async def test_a_running_campaign_takes_a_changed_pace_up(world: World) -> None:
    """PLUM-46: it is looked at again at once, and keeps its cycle; what it has planned may still be dialed."""
    acme, store = world.acme, world.store
    campaign_id = await acme.campaign(phone_numbers='["+12025550100"]')
    await acme.start(campaign_id)
    await store.dialer()
    [job] = await store.tick(campaign_id)
    before = await store.one("SELECT cycle_started_at FROM campaign_pacing")
    [profile] = await acme.get("/api/profiles")
    await acme.call("PATCH", f"/api/profiles/{profile['profile_id']}?amount_per_period=1")
    look = await store.look_in_seconds(campaign_id)
    assert look is not None
    assert look <= 0
    assert await store.one("SELECT cycle_started_at FROM campaign_pacing") == before
    assert (await store.attempt(job))["campaign_epoch"] == await store.one("SELECT epoch FROM campaign")
    view = await store.campaigns.campaign(acme.tenant_id, Dialect.PLUM, campaign_id)
    assert view.numbers.in_attempt == 1
