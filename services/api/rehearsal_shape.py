"""What a rehearsal answers with: counts of all lines, and the first ones as they were understood."""

from services.api.plum.shapes import refused_shape
from services.api.upload_messages import RehearsalAnswer, SampleEntry
from shared.domain.phone_list import PhoneEntry
from shared.ports.rehearsal import Rehearsal


def rehearsal_shape(rehearsal: Rehearsal) -> RehearsalAnswer:
    """Return what would become of a list."""
    return {
        "status": "success",
        "validate_only": True,
        "response": {
            "valid": rehearsal.valid,
            "duplicate": rehearsal.duplicate,
            "blocked": rehearsal.blocked,
            "refused": rehearsal.refused,
            "time_zones": [
                {"time_zones": list(each.zones), "numbers": each.numbers} for each in rehearsal.time_zones
            ],
            "sample": [_sample_shape(entry) for entry in rehearsal.sample],
            "refused_lines": [refused_shape(line) for line in rehearsal.refused_lines],
        },
    }


def _sample_shape(entry: PhoneEntry) -> SampleEntry:
    return {
        "line": entry.line_no,
        "phone_number": entry.e164,
        "ani": entry.ani,
        "postd": entry.post_dial,
        "message_reference": entry.message_reference,
        "variables": dict(entry.variables),
        "time_zone": entry.time_zone,
    }
