"""Requests that are no HTTP, answered as every other refusal is.

They reach no handler: the server answers what its parser refuses in plain text of its own, with the bytes that it did
not like and, in the log, where in the parser that was. A client that reads `error` found nothing there, and a scanner
that knocks at the port filled the log.
"""

import re
from typing import Final

from aiohttp import web
from typing_extensions import override

from services.api.answers import error_answer

_BAD_REQUEST: Final = 400


class SpeakingRunner(web.AppRunner):
    """Serves an application by connections that say in our form what they cannot read."""

    @override
    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        settings = made._kwargs  # noqa: SLF001 - it makes connections by them, and names no way to make others
        return _Server(made.request_handler, request_factory=made.request_factory, **settings)


class _Server(web.Server):
    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the refusal of a request; whatever else goes wrong is the server's to tell."""
        if status != _BAD_REQUEST or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        answer = error_answer(status, f"This is no HTTP request that can be read: {_reason(message)}.")
        answer.force_close()
        return answer


def _reason(message: str | None) -> str:
    """Return the parser's words without what it quotes after a colon or below them."""
    return re.split("[:\n]", (message or "it is malformed").strip())[0].rstrip(".")
