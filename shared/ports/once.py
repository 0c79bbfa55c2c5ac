"""Requests that are done once, however often they are sent: the first answer is kept and given again.

What is promised: the answer is stored in the transaction that makes the change, so that both are there or neither is.
A process that dies before the commit has changed nothing, and its key is free; one that dies after it has left the
answer for the next attempt. The same key and another request is refused, and so is the same key while its first request
is under way. After 24 hours a key is forgotten.

It holds for everything that a request does in Postgres in its tenant's name, in however many transactions the stores do
it: they become parts of one. What is not in Postgres is not promised: a `start` asks the campaign's two addresses
before it changes anything, and may ask them again.

A request is under way from the moment on when it has been read and needs the store, but not while a `start` waits for
the two addresses: whoever answers slowly there would keep the store's connections from everybody else. Two that send
one list at the same time both send it to the end; whichever has done so first is done, and the other is told what it
was answered, or 409.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from shared.domain.errors import Conflict, Invalid, PacelineError

#: Of an answer that is kept: a hundred times those of this API, which name at most twenty refused lines.
MOST_BODY_BYTES: Final = 65_536
#: The header's name, as errors and answers have it.
HEADER: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered."""

    status: int
    content_type: str
    #: None: it was too long to be kept, or holds a secret.
    body: bytes | None


class AnsweredBefore(PacelineError):
    """This request was done before."""

    def __init__(self, answer: KeptAnswer) -> None:
        self.answer = answer
        super().__init__()


class KeyInUse(Conflict):
    """A request with this Idempotency-Key is under way: wait for its answer, or ask again in a second."""


class KeyReused(Invalid):
    """The key belongs to another request."""

    def __init__(self) -> None:
        super().__init__(
            HEADER, f"The {HEADER} was sent with another request before: use a new one for each request."
        )


class Attempt(Protocol):
    """One attempt at a request; it is under way from the first use of the store on."""

    async def keep(self, answer: KeptAnswer) -> None:
        """Commit what was done, with its answer; where that is nothing, raises AnsweredBefore, KeyInUse, KeyReused."""

    async def undo(self, answer: KeptAnswer) -> None:
        """Undo what was done and keep the refusal; raises as `keep` does."""

    async def rest(self) -> None:
        """Hold nothing of the store while the request waits for somebody else; nothing may have been changed yet.

        The next use of a store looks again whether the request was done in the meantime, and raises as the first does.
        """


class OnceOnly(Protocol):
    """Keeps answers."""

    def attempt(
        self, tenant_id: int, key: str, fingerprint: Callable[[], Awaitable[bytes]]
    ) -> AbstractAsyncContextManager[Attempt]:
        """Do what is in the block once; what is neither kept nor undone by then is undone, and the key is free.

        `fingerprint` returns 32 bytes that tell this request from others; it is asked when the store is first used,
        which is when a request has been read. Any use of a store in the block raises AnsweredBefore when the request
        was done before, KeyInUse while it is, and KeyReused for another one.
        """
