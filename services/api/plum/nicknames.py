"""Names that a client gives to schedules and profiles.

The published API leaves open what makes two names the same. Here: Unicode NFC, trimmed, and compared without
regard to case, as the database behind the original most likely does. At most 64 characters; the update's "64
character minimum" (PLUM-31) is read as the maximum that create documents.
"""

import unicodedata
from typing import Final

from services.api.request_body import Fields
from shared.domain.errors import Invalid
from shared.ports.campaigns import Nickname

LONGEST_CHARACTERS: Final = 64
#: What cannot be seen could make two different names look the same: controls, formats, surrogates, unassigned.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def nickname_of(fields: Fields) -> Nickname | None:
    """Return the nickname (or `name`, PLUM-30), or None where none was sent; raises Invalid."""
    name = "nickname" if "nickname" in fields.names else "name"
    if name not in fields.names:
        return None
    shown = unicodedata.normalize("NFC", fields.text(name)).strip()
    if not shown:
        raise Invalid(name, f"The {name} field must not be empty; leave it out for none.")
    if len(shown) > LONGEST_CHARACTERS:
        raise Invalid(name, f"The {name} may not be greater than {LONGEST_CHARACTERS} characters.")
    if holds_unseen(shown):
        raise Invalid(name, f"The {name} holds a character that cannot be seen.")
    return Nickname(shown=shown, key=nickname_key(shown))


def nickname_key(shown: str) -> str:
    """Return the form in which names are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", shown).strip().casefold())


def holds_unseen(shown: str) -> bool:
    """Tell whether a name holds a character that nobody sees, or that would steer the terminal it is shown on."""
    return any(unicodedata.category(character) in _UNSEEN for character in shown)
