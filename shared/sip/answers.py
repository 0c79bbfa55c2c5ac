"""What a message says of itself that decides how the call goes on: its answer to our offer, and its methods."""

from shared.sip.capabilities import SDP_TYPE
from shared.sip.errors import BadBody, BadMessage
from shared.sip.message import Message, header, option_tags
from shared.sip.offer_answer import Media, media_of_answer
from shared.sip.sdp import LocalMedia, parse_sdp


def content_type(message: Message) -> str:
    """Return the body's media type without parameters, in lower case; '' where none is said."""
    return (header(message, "Content-Type") or "").partition(";")[0].strip().lower()


def answer_in(local: LocalMedia, message: Message) -> Media | None:
    """Return what the answer in a message comes to; None where it has none or one that we cannot meet."""
    if not message.body or content_type(message) != SDP_TYPE:
        return None
    try:
        return media_of_answer(local, parse_sdp(message.body))
    except BadBody:
        return None


def allows(message: Message, method: str) -> bool:
    """Whether the peer says that it takes a method."""
    try:
        return method.lower() in option_tags(message, "Allow")
    except BadMessage:
        return False
