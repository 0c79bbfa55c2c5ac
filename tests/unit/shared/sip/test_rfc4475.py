"""The torture messages of RFC 4475: read or refused as it says, and answered so by the user agent."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from shared.sip.effects import Send
from shared.sip.errors import BadMessage
from shared.sip.exchanges import Endpoint
from shared.sip.headers import NameAddr
from shared.sip.message import Request, Response, header, header_list, parse_message
from shared.sip.uri import SipUri
from shared.sip.user_agent import UserAgent

_VECTORS = Path(__file__).parents[3] / "vectors" / "rfc4475.json"
_MESSAGES: list[dict[str, Any]] = json.loads(_VECTORS.read_text())["messages"]
_BY_NAME = {vector["name"]: vector for vector in _MESSAGES}


def _wire(name: str) -> bytes:
    vector = _BY_NAME[name]
    text: str = "\r\n".join(vector["lines"]) + "\r\n\r\n" + vector.get("body", "")
    return text.encode()


def _read(name: str) -> Request | Response:
    return parse_message(_wire(name))


@pytest.mark.parametrize("name", [vector["name"] for vector in _MESSAGES])
def test_rfc4475_is_read_or_refused(name: str) -> None:
    """A valid message is read, and read again from what it is written as; an invalid one is refused."""
    if not _BY_NAME[name]["read"]:
        with pytest.raises(BadMessage):
            _read(name)
        return
    message = _read(name)
    assert parse_message(bytes(message)) == message


@pytest.mark.parametrize("name", [vector["name"] for vector in _MESSAGES if "answer" in vector])
def test_rfc4475_is_answered(name: str) -> None:
    """A stranger's request gets the status that RFC 4475 or RFC 3261, 8.2 has for it, and nothing is kept."""
    agent = UserAgent(endpoint=Endpoint(host="192.0.2.1", port=5060), dice=random.Random(1))
    (effect,) = agent.receive(_wire(name), ("192.0.2.200", 5060), 0.0)
    assert isinstance(effect, Send)
    answer = parse_message(effect.data)
    assert isinstance(answer, Response)
    assert answer.status == _BY_NAME[name]["answer"]
    assert (len(agent), agent.unreadable) == (0, 0)


@pytest.mark.parametrize(
    "name", [v["name"] for v in _MESSAGES if v["lines"][0].startswith("SIP/") or not v["read"]]
)
def test_rfc4475_responses_and_nonsense_are_dropped(name: str) -> None:
    """A response that belongs to nothing, and what cannot be read, is dropped and counted."""
    agent = UserAgent(endpoint=Endpoint(host="192.0.2.1", port=5060), dice=random.Random(1))
    assert agent.receive(_wire(name), ("192.0.2.200", 5060), 0.0) == []
    assert agent.unreadable + agent.strays == 1


def test_rfc4475_wsinv_means_what_it_says() -> None:
    """Folding, white space and short forms change nothing of the meaning."""
    message = _read("wsinv")
    assert isinstance(message, Request)
    assert (message.to.tag, message.sender.tag) == ("1918181833n", "98asjd8")
    assert message.sender.display == 'J Rosenberg \\"'
    assert (message.cseq.number, message.cseq.method) == (9, "INVITE")
    assert [(via.transport, via.host) for via in message.vias] == [
        ("UDP", "192.0.2.2"),
        ("TCP", "spindle.example.com"),
        ("UDP", "192.168.255.111"),
    ]
    assert header(message, "newfangledheader") == "newfangled value continued newfangled value"
    assert NameAddr.parse(header_list(message, "Contact")[0]).display == 'Quoted string ""'


def test_rfc4475_escapes_stay_as_they_are() -> None:
    """A tag, a method and a user part keep their percent signs, byte for byte."""
    method = _read("esc02")
    assert isinstance(method, Request)
    assert (method.method, method.vias[0].branch) == ("RE%47IST%45R", "z9hG4bK209%fzsnel234")
    assert header_list(method, "Contact") == (
        "<sip:alias1@host1.example.com>",
        "<sip:alias3@host3.example.com>",
    )
    user = _read("esc01")
    assert isinstance(user, Request)
    assert isinstance(user.uri, SipUri)
    assert (user.uri.user, user.uri.host) == ("sips%3Auser%40example.com", "example.net")


def test_rfc4475_dblreq_ends_where_it_says() -> None:
    """What follows Content-Length is not the message's."""
    assert _read("dblreq").body == b""
