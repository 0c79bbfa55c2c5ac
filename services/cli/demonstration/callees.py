"""Callees that answer real SIP on this machine: for a demonstration over the network that rings nobody.

SIPp plays them all (Debian: sip-tester), by the last two digits of the number, as the simulator does: answers, busy, no
answer, a machine, a fax, and so on. Whatever trunk a person has set is put aside: fictional numbers cost money too.
"""

import contextlib
import math
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.cli import wiring
from services.cli.errors import Missing

SCENARIO: Final = Path(__file__).with_name("callees.xml")
GREETING: Final = "You have reached the mailbox of the Miller family. Please leave a message after the tone."
LOOPBACK: Final = "127.0.0.1"
#: CNG, by which a fax that answers is known (ITU-T T.30).
_FAX_HZ: Final = 1100
_RATE_HZ: Final = 8000
_START_SECONDS: Final = 5.0


@contextlib.contextmanager
def callees(folder: Path) -> Iterator[dict[str, str]]:
    """Run the callees while the block lasts; yields the settings that lead calls to them. Raises Missing."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise Missing(
            "sipp is not on PATH, and plays the callees of a demonstration by SIP: install it with "
            "`apt-get install sip-tester`, or leave out --demo."
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.ul").write_bytes(wiring.speech(GREETING))
    (folder / "fax.ul").write_bytes(wiring.mu_law(_fax_tone()))
    port = _free_port()
    command = [sipp, "-sf", str(SCENARIO), "-i", LOOPBACK, "-p", str(port), "-mi", LOOPBACK, "-nostdin"]
    if (guard := shutil.which("setpriv")) is not None:
        command = [guard, "--pdeathsig", "TERM", "--", *command]  # killed with us, it does not stay behind
    with (folder / "sipp.log").open("wb") as log:
        # In a session of its own: a Ctrl-C is for the platform, whose last calls still want to be answered.
        process = subprocess.Popen(  # noqa: S603 - a list of our own words
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_it_listens(process, port, folder)
        yield {"PACELINE_SIP_TRUNK": f"sip:{LOOPBACK}:{port}", "PACELINE_SIP_LISTEN": f"{LOOPBACK}:0"}
    finally:
        process.kill()
        process.wait()


def _fax_tone() -> list[int]:
    """Return half a second of the tone, and silence to think about it."""
    tone = (
        round(9000 * math.sin(2 * math.pi * _FAX_HZ * index / _RATE_HZ)) for index in range(_RATE_HZ // 2)
    )
    return [*tone, *[0] * (2 * _RATE_HZ)]


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    """Wait until the port is taken; raises Missing when it never is."""
    deadline = time.perf_counter() + _START_SECONDS
    while process.poll() is None and time.perf_counter() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return
        time.sleep(0.02)
    raise Missing(f"sipp did not start: {folder / 'sipp.log'} says why.")
