"""`Idempotency-Key`: a request that is sent again is not done again.

The header is that of the IETF's draft, quoted or not. Answers up to 499 are kept, save those that say "not now": a
refusal for the request's own sake is as good the second time. What failed on our side is not kept, was undone, and may
be sent again with the same key; so may a request whose process died.
"""

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import answer_to
from services.api.authentication import TENANT
from services.api.body_fingerprint import FINGERPRINT, BodyFingerprint
from services.api.routes import Handler, Route
from shared.domain.errors import Conflict, PacelineError
from shared.ports.once import (
    HEADER,
    MOST_BODY_BYTES,
    AnsweredBefore,
    Attempt,
    KeptAnswer,
    KeyInUse,
    KeyReused,
    OnceOnly,
)

#: Visible ASCII; a UUID has 36 characters.
_KEY: Final = re.compile(r"[!-~]{1,255}")
#: What says "not now" or "not you": it may be otherwise the next time.
_NOT_KEPT: Final = frozenset({401, 403, 408, 409, 425, 429})
_SERVER_ERRORS: Final = 500


class BadKey(PacelineError):
    """The Idempotency-Key is one text of 1 to 255 visible ASCII characters, new for each request: a UUID serves."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What a request with a key carries with it."""

    attempt: Attempt


_UNDER_WAY: Final = web.RequestKey("under_way", UnderWay)


class AnswerNotKept(Conflict):
    """This request was done before; its answer was not kept, because it was too long or held a secret."""


async def answer_once(
    request: web.Request, handler: Handler, once: OnceOnly, *, route: Route
) -> web.StreamResponse:
    """Answer a request; one with a key as it was answered before. Raises BadKey, KeyInUse, KeyReused, AnswerNotKept."""
    key = _key_of(request)
    if key is None:
        return await handler(request)
    fingerprint = request[FINGERPRINT] = BodyFingerprint(request)
    try:
        async with once.attempt(request[TENANT], key, fingerprint.digest) as attempt:
            request[_UNDER_WAY] = UnderWay(attempt)
            return await _first_answer(request, handler, attempt, secret=route.secret)
    except AnsweredBefore as before:
        return _again(before.answer)


def is_done_once(request: web.Request) -> bool:
    """Tell whether a request has a key: it then holds one connection from its first question to its answer."""
    return request.get(_UNDER_WAY) is not None


async def hold_nothing(request: web.Request) -> None:
    """Do without the store from here on until it is used again, since the request waits for somebody else.

    A request with a key would hold a connection from its first question on. Only before its first change.
    """
    under_way = request.get(_UNDER_WAY)
    if under_way is not None:
        await under_way.attempt.rest()


async def _first_answer(
    request: web.Request, handler: Handler, attempt: Attempt, *, secret: bool
) -> web.StreamResponse:
    try:
        answer = await handler(request)
    except (AnsweredBefore, KeyInUse, KeyReused):
        raise
    except (PacelineError, web.HTTPException) as error:
        refusal = answer_to(request, error)
        kept = refusal.status < _SERVER_ERRORS and refusal.status not in _NOT_KEPT
        if not kept or request[FINGERPRINT].torn:
            raise
        await attempt.undo(_kept(refusal))
        return refusal
    await attempt.keep(_kept(answer, secret=secret))
    return answer


def _key_of(request: web.Request) -> str | None:
    sent = request.headers.getall(HEADER, [])
    if not sent:
        return None
    key = sent[0].strip()
    if len(key) >= len('""') and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if len(sent) > 1 or _KEY.fullmatch(key) is None:
        raise BadKey
    return key


def _kept(answer: web.StreamResponse, *, secret: bool = False) -> KeptAnswer:
    body = answer.body if isinstance(answer, web.Response) and not secret else None
    whole = isinstance(body, bytes | bytearray) and len(body) <= MOST_BODY_BYTES
    return KeptAnswer(
        status=answer.status,
        content_type=answer.content_type,
        body=bytes(body) if whole and isinstance(body, bytes | bytearray) else None,
    )


def _again(answer: KeptAnswer) -> web.Response:
    if answer.body is None:
        raise AnswerNotKept
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers={"Idempotent-Replayed": "true"},
    )
