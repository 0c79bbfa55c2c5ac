"""What the simulated network saw, told to a file that outlives the dialer.

Whoever wants to prove that no phone rings twice must not take the dialer's own word for it. So the network itself
keeps a record: one line for each INVITE, before anything else happens to the call, and one for each end. A line
is one write to a file opened for appending, which the kernel keeps from then on: a dialer that is killed right
after it can take nothing back, and many dialers share one file without tearing each other's lines.

The record holds phone numbers: it is for tests, and only where PACELINE_SIMULATOR_WITNESS names a file.
"""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import orjson

from shared.clock import epoch_seconds
from shared.domain.errors import Unavailable
from shared.telephony.port import OutboundCall


class Sight(StrEnum):
    """What was seen."""

    INVITE = "INVITE"
    END = "END"


#: Told of every sight, with its instant on the loop's monotonic clock, which all processes of a machine share.
Witness = Callable[[Sight, OutboundCall, float], None]


def look_away(_sight: Sight, _call: OutboundCall, _at: float) -> None:
    """Note nothing: what a simulator does that nobody asked to be a witness."""


def open_witness(path: Path | None) -> Witness:
    """Return a witness that writes to the file at `path`; raises Unavailable when it cannot be written."""
    if path is None:
        return look_away
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"PACELINE_SIMULATOR_WITNESS cannot be written ({error.strerror}): {path}."
        ) from error

    def note(sight: Sight, call: OutboundCall, at: float) -> None:
        line = {
            "sight": sight,
            "fence": call.fence,
            "e164": call.e164,
            "process": os.getpid(),
            "at": at,
            "epoch_seconds": epoch_seconds(),
        }
        os.write(descriptor, orjson.dumps(line) + b"\n")

    return note
