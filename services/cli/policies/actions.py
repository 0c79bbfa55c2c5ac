"""What the policy and caller-id commands do."""

from services.cli import wiring
from services.cli.screen import Screen
from shared.domain.number_policy import NumberPolicy, parse_countries
from shared.domain.phone_number import to_e164
from shared.settings import Settings


async def change(
    screen: Screen, *, tenant: str, countries: str | None, premium: bool | None, verified_only: bool | None
) -> None:
    """Change a tenant's policy and show it; raises Invalid and NotFound."""
    wanted = None if countries is None else parse_countries(countries)
    async with wiring.number_policies(Settings().required_database_url()) as policies:
        await policies.change(tenant, countries=wanted, premium=premium, verified_only=verified_only)
        policy = await policies.policy(tenant)
    screen.say(_words(tenant, policy))


async def show(screen: Screen, *, tenant: str) -> None:
    """Show a tenant's policy; raises NotFound."""
    async with wiring.number_policies(Settings().required_database_url()) as policies:
        policy = await policies.policy(tenant)
    screen.say(_words(tenant, policy))


async def verify(screen: Screen, *, tenant: str, number: str) -> None:
    """Let a tenant show a number; raises Invalid and NotFound."""
    e164 = to_e164(number, field="number")
    async with wiring.number_policies(Settings().required_database_url()) as policies:
        await policies.verify(tenant, e164)
    screen.say(f"{e164} is a verified caller id of {tenant}, from the next call on.")


async def forget(screen: Screen, *, tenant: str, number: str) -> None:
    """Take a number away; raises Invalid and NotFound."""
    e164 = to_e164(number, field="number")
    async with wiring.number_policies(Settings().required_database_url()) as policies:
        await policies.forget(tenant, e164)
    screen.say(f"{e164} is no verified caller id of {tenant} any more, from the next call on.")


async def listed(screen: Screen, *, tenant: str) -> None:
    """Show the numbers that a tenant may show; raises NotFound."""
    async with wiring.number_policies(Settings().required_database_url()) as policies:
        numbers = await policies.verified(tenant)
    screen.say(
        "\n".join(numbers) or f"{tenant} has no verified caller id: `paceline caller-id add` adds one."
    )


def _words(tenant: str, policy: NumberPolicy) -> str:
    where = ", ".join(sorted(policy.countries)) or "every country"
    dear = "allowed" if policy.premium else "refused"
    shown = "any caller id" if policy.verified is None else "verified caller ids only"
    return f"{tenant}: {where}; premium-rate, shared-cost and satellite numbers {dear}; {shown}."
