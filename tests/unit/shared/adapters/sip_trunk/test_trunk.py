"""What an operator writes of a trunk, and what is wrong with one."""

from pathlib import Path

import pytest

from shared.adapters.sip_trunk.credentials import read_credentials
from shared.adapters.sip_trunk.trunk import Trunk, TrunkLine, parse_address, parse_listen
from shared.domain.errors import Invalid
from shared.domain.routing import Route


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:sip.example.net", ("sip.example.net", 5060)),
        ("sip:192.0.2.1:5080", ("192.0.2.1", 5080)),
        ("sip:[2001:db8::1]:5080", ("2001:db8::1", 5080)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    """5060 where no port is given."""
    assert parse_address(text, field="x") == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.1",
        "tel:+12025550100",
        "sips:a.example",
        "sip:me@a.example",
        "sip:a;transport=tcp",
        "sip:a..b",
        f"sip:{'a' * 64}.example",
        "sip:[::::1]",
    ],
)
def test_anything_else_is_no_trunk(text: str) -> None:
    """The sentence says what is."""
    with pytest.raises(Invalid, match="sip:HOST"):
        parse_address(text, field="PACELINE_SIP_TRUNK")


@pytest.mark.parametrize("text", ["", "5060", "localhost:5060", "0.0.0.0:", "0.0.0.0:66000", "0.0.0.0:٥٠٦٠"])
def test_where_to_listen_is_an_address_and_a_port(text: str) -> None:
    """A name is no address to bind."""
    assert parse_listen("[::1]:5060", field="x") == ("::1", 5060)
    with pytest.raises(Invalid, match=r"0\.0\.0\.0:5060"):
        parse_listen(text, field="PACELINE_SIP_LISTEN")


def test_a_name_that_is_not_resolved_is_trouble() -> None:
    """In words, with the name."""
    trunk = TrunkLine(trunk=Trunk(route=Route(name="carrier"), host="sip.example.net"))
    assert "sip.example.net" in (trunk.trouble(0.0) or "")


def test_a_password_is_read_from_a_file(tmp_path: Path) -> None:
    """Without its line end; and it is not shown."""
    file = tmp_path / "secret"
    file.write_text("s3cret\n", encoding="utf-8")
    credentials = read_credentials("alice", file)
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("alice", "s3cret")
    assert "s3cret" not in repr(credentials)


@pytest.mark.parametrize("user", ["alice\r\nX-Evil: 1", "al\tice", "alice\0", "\udcff"])
def test_a_user_is_printable(tmp_path: Path, user: str) -> None:
    """It is put into a header, which a line break would end."""
    (tmp_path / "secret").write_text("s3cret", encoding="utf-8")
    with pytest.raises(Invalid, match="printable"):
        read_credentials(user, tmp_path / "secret")


def test_half_of_a_user_and_password_is_refused(tmp_path: Path) -> None:
    """Nothing, or both; and a file that is there and holds one."""
    assert read_credentials(None, None) is None
    (tmp_path / "empty").touch()
    for user, file in [
        ("alice", None),
        (None, tmp_path / "x"),
        ("alice", tmp_path / "x"),
        ("alice", tmp_path / "empty"),
    ]:
        with pytest.raises(Invalid):
            read_credentials(user, file)
