"""What `paceline delivery …` does; apart from the commands so that `--help` need not load an HTTP client."""

from collections.abc import Mapping

from services.cli.deliveries.api import DeliveryApi
from services.cli.deliveries.view import delivery_rows, delivery_table, receiver_lines, story_lines
from services.cli.screen import screen_on


async def list_deliveries(wanted: Mapping[str, str | None]) -> None:
    """Show a page of deliveries: a table for people, tab-separated lines for programs."""
    screen = screen_on()
    async with DeliveryApi.from_environment() as api:
        deliveries = await api.deliveries(_given(wanted))
    if not screen.console.is_terminal:
        if deliveries:
            screen.write(delivery_rows(deliveries))
    elif deliveries:
        screen.console.print(delivery_table(deliveries))
    else:
        screen.say("There are no such deliveries.")


async def show_delivery(call_id: int) -> None:
    """Show one delivery with its log."""
    async with DeliveryApi.from_environment() as api:
        story = await api.delivery(call_id)
    screen_on().say(story_lines(story))


async def replay_delivery(call_id: int) -> None:
    """Send one delivery again."""
    async with DeliveryApi.from_environment() as api:
        await api.replay(call_id)
    screen_on().say(
        f"The result of call {call_id} goes out again, with the same webhook-id and the same bytes."
    )


async def replay_deliveries(wanted: Mapping[str, str | None], *, dry_run: bool) -> None:
    """Send many deliveries again, or say how many that would be."""
    asked = _given(wanted) | ({"validate_only": "1"} if dry_run else {})
    async with DeliveryApi.from_environment() as api:
        replay = await api.replay_range(asked)
    if dry_run:
        screen_on().say(f"{replay.would_replay or 0} results would go out again.")
    else:
        screen_on().say(f"{replay.replayed} results go out again, the oldest first.")


async def enable_receiver(url: str | None) -> None:
    """Send to a receiver again; without one, show those that are disabled."""
    async with DeliveryApi.from_environment() as api:
        if url is None:
            receivers = await api.disabled_receivers()
            screen_on().say(receiver_lines(receivers) or "No receiver is disabled.")
            return
        enabled = await api.enable_receiver(url)
    screen_on().say(f"The receiver is enabled; {enabled.queued} parked results go out to it now.")


def _given(wanted: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value is not None}
