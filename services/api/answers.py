"""Answers in one consistent form, errors above all.

The published API documents two error shapes and is silent for the rest (PLUM-11): a 422 is a map from field to
sentences; everything else is `{"status":"error","error":"a sentence"}`.
"""

from collections.abc import Mapping

import orjson
import structlog
from aiohttp import HttpVersion11, web

from services.api.authentication import NoToken
from services.api.request_body import BodyTooLarge, BodyTooSlow, UnreadableBody, UnsupportedBody
from services.api.routes import Handler
from shared.domain.access import RoleNeeded
from shared.domain.errors import Conflict, Invalid, NotFound, PacelineError, Unavailable
from shared.domain.limits import LimitReached
from shared.ports.access import WrongToken

_log = structlog.get_logger()

#: The most telling class first: the first that fits decides.
_STATUS: dict[type[PacelineError], int] = {
    NoToken: 401,
    WrongToken: 401,
    RoleNeeded: 403,
    NotFound: 404,
    Conflict: 409,
    BodyTooLarge: 413,
    BodyTooSlow: 408,
    UnsupportedBody: 415,
    UnreadableBody: 400,
    LimitReached: 429,
    Unavailable: 503,
}
#: A client that was refused for Postgres' sake may come back after this long.
_RETRY_AFTER_SECONDS = 5


def success(more: Mapping[str, object] | None = None) -> web.Response:
    """Return `{"status":"success"}` and more beside it, such as a `response` (PLUM-09)."""
    return json_answer({"status": "success", **(more or {})})


def json_answer(body: object, status: int = 200) -> web.Response:
    """Return a JSON body."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def error_answer(status: int, sentence: str) -> web.Response:
    """Return an error that is nobody's field."""
    return json_answer({"status": "error", "error": sentence}, status)


async def meet_expectation(request: web.Request) -> web.StreamResponse | None:
    """Let a client send its body that waits to be told so; RFC 9110 section 10.1.1 knows no other expectation."""
    if request.version < HttpVersion11:
        return None
    if request.headers["Expect"].lower() != "100-continue":
        return error_answer(417, "Of what a request may expect, only 100-continue is met.")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # of the answer itself nothing has left
    return None


@web.middleware
async def speak_of_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever was raised into an answer; a mistake of ours is logged and answered without its details."""
    try:
        return await handler(request)
    except (PacelineError, web.HTTPException) as error:
        return answer_to(request, error)
    except Exception:  # noqa: BLE001 - the client gets an answer whatever we did wrong
        _log.exception("request_broke", method=request.method, path=request.path)
        return error_answer(500, "Something went wrong on our side; nothing was changed.")


def answer_to(request: web.Request, error: PacelineError | web.HTTPException) -> web.Response:
    """Return what a refusal is answered with."""
    if isinstance(error, web.HTTPException):
        return _http_refusal(request, error)
    if isinstance(error, Invalid):
        return json_answer({error.field: [error.message]}, 422)
    return _refusal(error)


def _refusal(error: PacelineError) -> web.Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    answer = error_answer(status, error.message)
    if status == web.HTTPUnauthorized.status_code:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if status == web.HTTPServiceUnavailable.status_code:
        answer.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    if isinstance(error, LimitReached):
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def _http_refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    sentences = {
        404: f"There is nothing at {request.path}.",
        405: f"{request.path} does not take {request.method}.",
        413: "The request is too large.",
    }
    answer = error_answer(error.status, sentences.get(error.status, error.reason))
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer
