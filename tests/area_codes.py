"""Area codes that a callee may have: 211, 311 and their like are services, which are never called."""

from typing import Final

#: In order; 900 is for numbers that cost more.
AREAS: Final = tuple(area for area in range(201, 900) if area % 100 != 11)
