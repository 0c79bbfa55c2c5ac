"""The emergency brake: it needs Postgres and nothing else."""

import shlex
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

pytestmark = pytest.mark.acceptance


def test_a_hold_is_placed_and_released_without_redis_and_without_the_api(
    paceline: Callable[..., Any], database_url: str
) -> None:
    """`paceline hold` writes one row; `paceline release` ends it, and says how many there were."""
    held = paceline("hold", "--all", "--reason", "carrier maintenance", DATABASE_URL=database_url)
    assert (held.returncode, held.stderr) == (0, "")
    assert "the whole platform dials nobody" in held.stdout
    released = paceline("release", "--all", DATABASE_URL=database_url)
    assert released.stdout.strip() == "1 hold released."
    assert paceline("release", "--all", DATABASE_URL=database_url).stdout.strip() == "0 holds released."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("hold", "--reason", "x"), "--tenant"),
        (("hold", "--all", "--tenant", "t", "--reason", "x"), "--tenant"),
        (("hold", "--tenant", "nobody", "--reason", "x"), "There is no tenant called nobody"),
        (("hold", "--all", "--reason", " "), "Say why"),
    ],
)
def test_a_brake_that_cannot_be_pulled_says_why(
    paceline: Callable[..., Any], database_url: str, words: tuple[str, ...], says: str
) -> None:
    """Nobody or everybody, a tenant that is none, and no reason are refused in a sentence."""
    refused = paceline(*words, DATABASE_URL=database_url)
    assert refused.returncode != 0
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_brake_of_a_platform_on_its_own_servers(
    platform: "Platform", paceline: Callable[..., Any]
) -> None:
    """What `paceline up` leaves in its data folder is all that the commands on Postgres itself need."""
    file = platform.data_dir / "environment"
    lines = [line.removeprefix("export ") for line in file.read_text().splitlines()]
    words = (shlex.split(line)[0].partition("=") for line in lines)
    environment = {name: value for name, _, value in words}
    assert paceline("hold", "--all", "--reason", "drill", **environment).returncode == 0
    assert paceline("release", "--all", **environment).stdout.strip() == "1 hold released."
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert platform.stop() == 0
    assert not file.exists()
