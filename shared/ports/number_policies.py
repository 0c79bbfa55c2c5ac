"""What an operator lets a tenant call, and as whom."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.number_policy import NumberPolicy


class NumberPolicies(Protocol):
    """The policies of all tenants. Every method raises NotFound for a tenant that there is not."""

    async def change(
        self,
        tenant: str,
        *,
        countries: Sequence[str] | None = None,
        premium: bool | None = None,
        verified_only: bool | None = None,
    ) -> None:
        """Change what is not None; it holds for the next call. No countries are all of them."""

    async def policy(self, tenant: str) -> NumberPolicy:
        """Return what holds now."""

    async def verified(self, tenant: str) -> list[str]:
        """Return the verified caller ids, whether they are asked for or not."""

    async def verify(self, tenant: str, e164: str) -> None:
        """Let a tenant show this caller id; again, it changes nothing."""

    async def forget(self, tenant: str, e164: str) -> None:
        """Take a caller id away; raises NotFound also where it was not verified."""
