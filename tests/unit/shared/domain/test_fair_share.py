"""Who may claim how much of scarce room: beside one call at a time to whoever was given least."""

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fair_share import Claimant, Queue, Share, TenantTurn, share_of

UNCAPPED = TenantTurn(tenant_id=1, served=0, room=None)


def claimant(campaign_id: int, wants: int, *, served: int = 0, tenant_id: int = 1) -> Claimant:
    """Return a campaign that wants calls."""
    return Claimant(tenant_id=tenant_id, campaign_id=campaign_id, served=served, wants=wants)


def tenant(tenant_id: int, *, served: int = 0, room: int | None = None) -> TenantTurn:
    """Return a tenant of the queue."""
    return TenantTurn(tenant_id=tenant_id, served=served, room=room)


@pytest.mark.parametrize(
    ("room", "others", "calls"),
    [
        (10, [], 10),
        (100, [], 20),
        (0, [], 0),
        (-5, [], 0),
        (10, [claimant(2, 20)], 5),
        (11, [claimant(2, 20)], 6),
        (10, [claimant(2, 3)], 7),
        (10, [claimant(2, 20), claimant(3, 20)], 4),
        (10, [claimant(2, 20, served=4)], 7),
        (1000, [claimant(2, 20), claimant(3, 20)], 20),
    ],
)
def test_room_is_shared_among_who_wants_it(room: int, others: list[Claimant], calls: int) -> None:
    """Equal parts; what one does not want is the others'; who was given more before, waits."""
    queue = Queue(claimants=others, tenants=[UNCAPPED] if others else [])
    assert share_of(claimant(1, 20), UNCAPPED, queue, room, waited=True).calls == calls


@pytest.mark.parametrize(
    ("served", "calls", "joins_at"), [(0, 5, 100), (50, 5, 100), (100, 5, 100), (104, 3, 104)]
)
def test_nobody_saves_up_turns(served: int, calls: int, joins_at: int) -> None:
    """Who comes late begins where the one stands that was given least."""
    queue = Queue(claimants=[claimant(2, 90, served=100)], tenants=[UNCAPPED])
    assert share_of(claimant(1, 20, served=served), UNCAPPED, queue, 10, waited=False) == Share(
        calls=calls, served=joins_at, tenant_served=0
    )


def test_a_tenant_with_many_campaigns_gets_no_more() -> None:
    """Tenants first, then campaigns: nine campaigns share what one has alone elsewhere."""
    many = [claimant(number, 20, tenant_id=2) for number in range(2, 11)]
    queue = Queue(claimants=many, tenants=[tenant(2)])
    assert share_of(claimant(1, 20), tenant(1), queue, 18, waited=False).calls == 9
    alone = Queue(claimants=[*many[1:], claimant(1, 20)], tenants=[tenant(2), tenant(1)])
    assert share_of(many[0], tenant(2), alone, 18, waited=False).calls == 1


def test_a_tenant_s_own_cap_bounds_its_campaigns_together() -> None:
    """And what it may not take is the others'."""
    queue = Queue(
        claimants=[claimant(2, 20), claimant(3, 20, tenant_id=2)], tenants=[tenant(1, room=6), tenant(2)]
    )
    assert share_of(claimant(1, 20), tenant(1, room=6), queue, 30, waited=False).calls == 3
    theirs = Queue(claimants=[claimant(1, 20), claimant(2, 20)], tenants=[tenant(1, room=6)])
    assert share_of(claimant(3, 40, tenant_id=2), tenant(2), theirs, 30, waited=False).calls == 24
    assert share_of(claimant(3, 40, tenant_id=2), tenant(2, room=-1), theirs, 30, waited=False).calls == 0


def one_at_a_time(room: int, flows: list[tuple[int, int]]) -> list[int]:
    """Give room call by call to whoever was given least, the first of equals first."""
    given_calls = [0] * len(flows)
    for _ in range(room):
        open_flows = [place for place, (_, wants) in enumerate(flows) if given_calls[place] < wants]
        if not open_flows:
            break
        least = min(open_flows, key=lambda place: flows[place][0] + given_calls[place])
        given_calls[least] += 1
    return given_calls


Flows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=6)


@given(room=st.integers(0, 60), flows=Flows, waited=st.booleans())
def test_a_share_is_what_one_call_at_a_time_would_have_given(
    room: int, flows: list[tuple[int, int]], waited: bool
) -> None:
    """However uneven the counts and the wants are."""
    floor = min((served for served, _ in flows[1:]), default=0)
    mine = flows[0][0] if waited else max(flows[0][0], floor)
    asking = claimant(1, flows[0][1], served=flows[0][0])
    others = [claimant(place + 2, wants, served=served) for place, (served, wants) in enumerate(flows[1:])]
    share = share_of(asking, UNCAPPED, Queue(claimants=others, tenants=[UNCAPPED]), room, waited=waited)
    total = sum(wants for _, wants in flows)
    assert share.calls == one_at_a_time(min(room, total), [(mine, flows[0][1]), *flows[1:]])[0]
    assert share.served == mine


@dataclass
class Platform:
    """Campaigns that always want calls, and looks in a random order over room that comes in drops."""

    claimants: dict[int, Claimant]
    tenants: dict[int, TenantTurn]
    calls: Counter[int]

    def look(self, campaign_id: int, room: int) -> int:
        """Let one campaign claim its share; returns how much."""
        asking = self.claimants[campaign_id]
        others = [other for other in self.claimants.values() if other.campaign_id != campaign_id]
        queue = Queue(claimants=others, tenants=list(self.tenants.values()))
        share = share_of(asking, self.tenants[asking.tenant_id], queue, room, waited=True)
        self.claimants[campaign_id] = replace(asking, served=share.served + share.calls)
        turn = self.tenants[asking.tenant_id]
        self.tenants[asking.tenant_id] = replace(turn, served=share.tenant_served + share.calls)
        self.calls[campaign_id] += share.calls
        return share.calls


def jain(shares: list[int]) -> float:
    """Return Jain's fairness index: 1 when all are equal."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("campaigns_of", [(5,), (1, 9), (3, 3, 3), (1, 1, 20)])
def test_equals_get_equal_shares(campaigns_of: tuple[int, ...], seed: int) -> None:
    """Over a thousand looks: tenants are equal, and so are the campaigns of each, by Jain's index of at least 0.99."""
    rng = random.Random(seed)
    ids = [(number, place) for number, count in enumerate(campaigns_of, start=1) for place in range(count)]
    platform = Platform(
        {100 * n + p: claimant(100 * n + p, rng.randint(200, 400), tenant_id=n) for n, p in ids},
        {number: tenant(number) for number, _ in ids},
        Counter(),
    )
    free = 0
    for _ in range(1000 * len(ids) // 5):
        free += rng.randint(0, 3)
        free -= platform.look(rng.choice(list(platform.claimants)), free)
        assert free >= 0
    by_tenant = Counter[int]()
    for campaign_id, calls in platform.calls.items():
        by_tenant[campaign_id // 100] += calls
    assert jain(list(by_tenant.values())) >= 0.99
    for number, count in enumerate(campaigns_of, start=1):
        assert jain([platform.calls[100 * number + place] for place in range(count)]) >= 0.99
