"""What `paceline number …` does; apart from the commands so that `--help` need not load an HTTP client."""

from services.cli.numbers.api import NumberApi
from services.cli.numbers.view import history_lines
from services.cli.screen import screen_on


async def show_history(phone_number: str, *, limit: int, cursor: str | None, as_json: bool) -> None:
    """Show what was done with a number."""
    async with NumberApi.from_environment() as api:
        history = await api.history(phone_number, limit=limit, cursor=cursor)
    screen = screen_on()
    if as_json:
        screen.write(history.model_dump_json(indent=2))
    else:
        screen.say(history_lines(history))
