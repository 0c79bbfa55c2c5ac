"""Every setting of Paceline: one name, one unit, one default, one sentence.

Read from the environment with the prefix PACELINE_ (the two server addresses go by their customary names).
`deploy/env.example` and the README's table list the same, and a test compares the three.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.callee_hours import parse_switch
from shared.domain.errors import Invalid, PacelineError


class Misconfigured(PacelineError):
    """A setting is missing or cannot be used; the sentence names it."""


class Settings(BaseSettings):
    """What an operator can decide."""

    model_config = SettingsConfigDict(env_prefix="PACELINE_", env_ignore_empty=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="Postgres, as postgresql://user:password@host/db.",
    )
    redis_url: SecretStr | None = Field(
        default=None, validation_alias="REDIS_URL", description="Redis, as redis://:password@host:port/0."
    )
    redis_namespace: str = Field(
        default="paceline", description="The prefix of every Redis key, for sharing one server."
    )
    secret_key_file: Path | None = Field(
        default=None, description="The file with the key that seals webhook keys and trunk passwords."
    )
    egress_allow: list[IPv4Network | IPv6Network] = Field(
        default=[], description="Private networks that customers' URLs may reach, as a JSON list of CIDRs."
    )
    bind_host: str = Field(
        default="127.0.0.1", description="The address on which the API and dashboard listen."
    )
    api_port: int = Field(default=8700, ge=0, le=65535, description="The API's port.")
    dashboard_port: int = Field(default=8701, ge=0, le=65535, description="The dashboard's port.")
    ready_file: Path | None = Field(
        default=None, description="Where a service writes {service, port} as JSON once it answers."
    )
    api_url: str = Field(default="http://127.0.0.1:8700", description="Where the dashboard finds the API.")
    database_pool_size: int = Field(
        default=8, ge=2, le=100, description="Postgres connections that each process keeps at most."
    )
    upload_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1024, description="The largest phone list that is taken, in bytes."
    )
    requests_per_second: float = Field(
        # An integration that looks at ten campaigns each second, a dashboard and a person use less than half.
        default=50,
        gt=0,
        le=100_000,
        description="Requests that each API process takes from one tenant; twice as many after a pause.",
    )
    numbers_per_day: int = Field(
        # Five of the largest lists that were measured: a loop that uploads one again and again is stopped within them.
        default=5_000_000,
        ge=1,
        description="Numbers that one tenant may upload in a day of UTC.",
    )
    callee_hours: str = Field(
        default="off",
        description="off, on (08:00-21:00) or hours on callees' clocks, for new campaigns that say nothing of them.",
    )
    callee_gap_seconds: int = Field(
        default=0,
        ge=0,
        le=28 * 24 * 3600,
        description="The least time from the end of a call to a number to its tenant's next call to it.",
    )
    preflight: Literal["off", "warn", "require"] = Field(
        default="warn",
        description="Whether a start asks both of a campaign's URLs, and refuses when one is not 200.",
    )
    telephony: Literal["simulator", "sip"] = Field(
        default="simulator",
        description="Who carries the calls: simulator rings nobody, sip rings real phones.",
    )
    simulator_speed: float = Field(
        default=1.0,
        gt=0,
        description="How many times faster than life simulated callees ring, talk and fail.",
    )
    simulator_seed: int = Field(default=1, description="The seed from which simulated callees are drawn.")
    simulator_witness: Path | None = Field(
        default=None, description="A file where the simulator notes each call as it is sent and as it ends."
    )
    simulator_outage_file: Path | None = Field(
        default=None, description="While this file exists, the simulated trunk is gone: for drills."
    )
    sip_trunk: str | None = Field(
        default=None,
        description="One trunk, as sip:HOST or sip:HOST:PORT, instead of those of `paceline trunk add`.",
    )
    sip_user: str | None = Field(default=None, description="The user by whom that trunk knows us.")
    sip_secret_file: Path | None = Field(default=None, description="The file with that trunk's password.")
    sip_caller_id: str | None = Field(
        default=None,
        description="The number that is shown where neither number nor campaign has one: + and digits.",
    )
    sip_calls_per_second: float | None = Field(
        default=None, gt=0, le=1000, description="Calls a second that one dialer sends to that trunk at most."
    )
    sip_channels: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Calls at a time that one dialer has on that trunk at most.",
    )
    sip_listen: str = Field(
        default="0.0.0.0:0",
        description="The address and UDP port on which a dialer speaks SIP; port 0 takes a free one.",
    )
    sip_advertised_host: IPv4Address | IPv6Address | None = Field(
        default=None,
        description="The address at which trunks reach a dialer, where it is not its own (NAT, Kubernetes).",
    )
    sip_advertised_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="The UDP port at which trunks reach a dialer's SIP, where it is not its own (NAT, Kubernetes).",
    )
    sip_rtp_ports: str = Field(
        default="20000-21999",
        description="The UDP ports for audio, of which each call takes an even one and the one above it.",
    )
    recordings_folder: Path | None = Field(
        default=None, description="Where recordings of callees are kept; unset keeps none."
    )
    recordings_days: float = Field(
        default=30, gt=0, le=3650, description="After how many days a recording is removed."
    )
    ring_ahead_ms: int = Field(
        default=2000,
        ge=200,
        le=10_000,
        description="How long before its instant an attempt is handed to a dialer.",
    )
    send_tolerance_ms: int = Field(
        default=100, ge=20, le=1000, description="How late after its instant a call may still be sent."
    )
    calls_per_dialer: int = Field(
        default=200, ge=1, le=10_000, description="Calls that one dialer process carries at a time."
    )
    ring_seconds: float = Field(
        default=30, ge=15, le=120, description="How long a phone rings before the call is cancelled."
    )
    longest_call_seconds: float = Field(
        default=1800, ge=1, le=14_400, description="When an answered call is hung up at the latest."
    )
    quarantine_margin_seconds: float = Field(
        default=60, ge=1, description="Added to the longest call before a lost attempt ends as Unknown."
    )
    lease_seconds: float = Field(
        default=30,
        ge=1,
        le=300,
        description="How long a dialer may go silent before its calls count as lost.",
    )
    drain_seconds: float = Field(
        default=30, ge=0, description="How long a dialer waits for its calls on SIGTERM before it hangs up."
    )
    interpreter_processes: int = Field(
        default=1, ge=1, le=64, description="VoiceXML processes beside each dialer."
    )
    webhook_seconds: float = Field(
        default=15, ge=1, le=30, description="How long a receiver may take to answer a result."
    )
    webhook_lease_seconds: float | None = Field(
        default=None,
        gt=0,
        description="How long a dialer holds a result that it posts; unset: twice the time to answer and 5.",
    )
    webhooks_per_origin: int = Field(
        default=8, ge=1, le=100, description="Results that are posted to one receiver of a tenant at a time."
    )
    webhooks_per_tenant: int = Field(
        default=64,  # a quarter of what one process posts at once: it takes four tenants to fill it
        ge=1,
        le=10_000,
        description="Results of one tenant that are posted at a time, over all dialers.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious log line that is written."
    )
    log_format: Literal["text", "json"] = Field(
        default="json", description="Log lines for people or for programs."
    )

    @field_validator("callee_hours")
    @classmethod
    def _hours_are_hours(cls, text: str) -> str:
        try:
            parse_switch(text, field="callee_hours")
        except Invalid as error:
            raise ValueError(error.message.removesuffix(".")) from error
        return text

    def required_database_url(self) -> str:
        """Return the Postgres address; raises Misconfigured when it is not set."""
        if self.database_url is None:
            raise Misconfigured(
                "DATABASE_URL is not set: give Postgres' address, or use `paceline up`, which brings its own."
            )
        return self.database_url.get_secret_value()

    def required_redis_url(self) -> str:
        """Return the Redis address; raises Misconfigured when it is not set."""
        if self.redis_url is None:
            raise Misconfigured(
                "REDIS_URL is not set: give Redis' address, or use `paceline up`, which brings its own."
            )
        return self.redis_url.get_secret_value()

    def required_secret_key_file(self) -> Path:
        """Return the key file; raises Misconfigured when it is not set."""
        if self.secret_key_file is None:
            raise Misconfigured(
                "PACELINE_SECRET_KEY_FILE is not set: make one with `paceline key create FILE` and name it there."
            )
        return self.secret_key_file
