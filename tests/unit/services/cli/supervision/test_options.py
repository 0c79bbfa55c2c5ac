"""What the processes of a platform are told."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from services.cli.supervision.options import STOP_SECONDS, Plan, UpOptions, demonstration_settings, plan_for
from services.cli.wiring import Servers
from shared.domain.drain import HANG_UP_SECONDS
from shared.settings import Settings

SERVERS = Servers(
    database_url="postgresql://me:secret@127.0.0.1:1/db", redis_url="redis://:secret@127.0.0.1:2/0"
)


def _plan(*, dialers: int = 1, demonstration: bool = False, settings: Settings | None = None) -> Plan:
    options = UpOptions(
        data_dir=Path("data"),
        api_port=8700,
        dashboard_port=0,
        telephony="simulator",
        ready_file=None,
        demonstration=demonstration,
        dialers=dialers,
        own_servers=False,
    )
    return plan_for(options, settings or Settings(), SERVERS, Path("/keys/secret.key"))


def test_secrets_travel_in_the_environment_only() -> None:
    """No address with a password stands on a command line, where any user of the machine could read it."""
    plan = _plan()
    for role in (plan.api(), *plan.call_makers(), plan.dashboard("http://127.0.0.1:8700")):
        assert "secret" not in " ".join(role.command)
        assert role.environment["DATABASE_URL"] == SERVERS.database_url
        assert role.environment["REDIS_URL"] == SERVERS.redis_url
        assert role.environment["PACELINE_SECRET_KEY_FILE"] == "/keys/secret.key"


def test_ports_go_to_those_who_have_one() -> None:
    """The API and the dashboard get their ports, and the dashboard the API's address."""
    plan = _plan()
    assert plan.api().environment["PACELINE_API_PORT"] == "8700"
    dashboard = plan.dashboard("http://127.0.0.1:8700").environment
    assert (dashboard["PACELINE_DASHBOARD_PORT"], dashboard["PACELINE_API_URL"]) == (
        "0",
        "http://127.0.0.1:8700",
    )


@pytest.mark.parametrize(
    ("dialers", "names"), [(1, ["pacer", "dialer"]), (2, ["pacer", "dialer-1", "dialer-2"])]
)
def test_dialers_are_numbered_where_there_are_several(dialers: int, names: list[str]) -> None:
    """One dialer is `dialer`; several are told apart by their number."""
    assert [role.name for role in _plan(dialers=dialers).call_makers()] == names


@pytest.mark.parametrize(("drain_seconds", "webhook_seconds"), [(0, 1), (30, 15), (120, 30)])
def test_a_dialer_is_not_killed_before_it_can_have_ended(drain_seconds: int, webhook_seconds: int) -> None:
    """The setting lets it wait for its calls; then it hangs up, records what they were, and ends its last post."""
    settings = Settings(drain_seconds=drain_seconds, webhook_seconds=webhook_seconds)
    _, dialer = _plan(settings=settings).call_makers()
    assert dialer.stop_seconds > drain_seconds + HANG_UP_SECONDS + webhook_seconds
    assert dialer.hurry_seconds > HANG_UP_SECONDS + webhook_seconds


def test_what_has_no_calls_is_not_waited_for_so_long() -> None:
    """The pacer and the API end at once, or are in trouble."""
    plan = _plan()
    assert {role.stop_seconds for role in (plan.api(), plan.call_makers()[0])} == {STOP_SECONDS}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8700"),
        ("0.0.0.0", "http://127.0.0.1:8700"),
        ("::", "http://[::1]:8700"),
        ("::1", "http://[::1]:8700"),
    ],
)
def test_the_address_that_is_told_can_be_opened(host: str, url: str) -> None:
    """Who listens everywhere is reached at the loopback address, and IPv6 is written as a URL wants it."""
    assert _plan(settings=Settings(bind_host=host)).url(8700) == url


def test_the_demonstration_adds_loopback_to_what_is_allowed() -> None:
    """The networks that a person allows stay allowed beside the demonstration's own."""
    settings = Settings(egress_allow=[IPv4Network("10.0.0.0/8")])
    wanted = demonstration_settings(settings, {})
    assert json.loads(wanted["PACELINE_EGRESS_ALLOW"]) == ["10.0.0.0/8", "127.0.0.0/8", "::1/128"]
    assert wanted["PACELINE_SIMULATOR_SPEED"] == "20"


def test_a_speed_that_somebody_set_is_kept() -> None:
    """The demonstration does not overrule PACELINE_SIMULATOR_SPEED."""
    assert "PACELINE_SIMULATOR_SPEED" not in demonstration_settings(
        Settings(), {"PACELINE_SIMULATOR_SPEED": "3"}
    )


def test_without_a_demonstration_nothing_is_opened() -> None:
    """A plain platform posts to no private network."""
    assert "PACELINE_EGRESS_ALLOW" not in _plan().environment
    assert "PACELINE_EGRESS_ALLOW" in _plan(demonstration=True).environment
