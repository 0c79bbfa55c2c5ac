"""What `paceline up` was asked for, and what follows from it for each process."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from services.cli.supervision.child import HURRY_SECONDS, Role, service_command
from services.cli.supervision.data_folder import DataFolder
from services.cli.wiring import Servers
from shared.domain.drain import longest_end_seconds
from shared.settings import Settings

#: A process without calls ends at once; this is for a request that is being answered.
STOP_SECONDS = 10.0
#: The demonstration's receiver and document stand on this machine.
DEMONSTRATION_NETWORKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
#: Callees of the demonstration talk for seconds, not for minutes.
DEMONSTRATION_SPEED = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """The command line of `paceline up`."""

    data_dir: Path
    #: Ports: 0 is any free one.
    api_port: int
    dashboard_port: int
    telephony: str
    ready_file: Path | None
    demonstration: bool
    dialers: int
    own_servers: bool

    @property
    def folder(self) -> DataFolder:
        """The data folder with the names of its files."""
        return DataFolder(self.data_dir.absolute())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The environment and timing that the processes share."""

    options: UpOptions
    settings: Settings
    servers: Servers
    #: Seals the secrets that must be read back.
    key_file: Path
    environment: Mapping[str, str]

    def api(self) -> Role:
        """Return the role that comes first: others need its address."""
        return self._role("api", port=self.options.api_port)

    def call_makers(self) -> list[Role]:
        """Return the pacer and the dialers; one dialer is just `dialer`, more of them are numbered."""
        names = (
            ["dialer"]
            if self.options.dialers == 1
            else [f"dialer-{n + 1}" for n in range(self.options.dialers)]
        )
        end_seconds = longest_end_seconds(webhook_seconds=self.settings.webhook_seconds)
        dialers = (
            self._role(
                "dialer",
                name=name,
                stop_seconds=self.settings.drain_seconds + end_seconds,
                hurry_seconds=end_seconds,
            )
            for name in names
        )
        return [self._role("pacer"), *dialers]

    def dashboard(self, api_url: str) -> Role:
        """Return the role that shows what the API at `api_url` says."""
        return self._role("dashboard", port=self.options.dashboard_port, PACELINE_API_URL=api_url)

    def url(self, port: int | None) -> str:
        """Return where a person on this machine reaches a port of ours."""
        host = self.settings.bind_host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _role(
        self,
        service: str,
        *,
        name: str | None = None,
        port: int | None = None,
        stop_seconds: float = STOP_SECONDS,
        hurry_seconds: float = HURRY_SECONDS,
        **more: str,
    ) -> Role:
        port_setting = None if port is None else f"PACELINE_{service.upper()}_PORT"
        if port_setting:
            more[port_setting] = str(port)
        return Role(
            name=name or service,
            service=service,
            command=service_command(service),
            environment={**self.environment, **more},
            stop_seconds=stop_seconds,
            hurry_seconds=hurry_seconds,
            port_setting=port_setting,
        )


def plan_for(options: UpOptions, settings: Settings, servers: Servers, key_file: Path) -> Plan:
    """Decide what the processes are told; what a person has set in the environment reaches them as it is."""
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PACELINE_SECRET_KEY_FILE": str(key_file),
        "PACELINE_TELEPHONY": options.telephony,
    }
    if options.demonstration:
        environment |= demonstration_settings(settings, os.environ)
    return Plan(
        options=options, settings=settings, servers=servers, key_file=key_file, environment=environment
    )


def demonstration_settings(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the demonstration needs beside what the person has set."""
    networks = (*settings.egress_allow, *DEMONSTRATION_NETWORKS)
    wanted = {"PACELINE_EGRESS_ALLOW": json.dumps([str(network) for network in networks])}
    if not environment.get("PACELINE_SIMULATOR_SPEED"):
        wanted["PACELINE_SIMULATOR_SPEED"] = f"{DEMONSTRATION_SPEED:g}"
    return wanted
