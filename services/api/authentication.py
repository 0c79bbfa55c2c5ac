"""Who is asking: a bearer token, looked up by its hash."""

import hashlib
import re
from typing import Final

from aiohttp import web

from shared.domain.errors import PacelineError
from shared.ports.access import Caller, Doorkeeper

TENANT: Final = web.RequestKey("tenant", int)
CALLER: Final = web.RequestKey("caller", Caller)

#: RFC 6750 section 2.1, bounded: ours have 46 characters, the published example's 36.
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/=]{1,512})")


class NoToken(PacelineError):
    """This needs a token: send the header `Authorization: Bearer YOUR-TOKEN` (`paceline token create` makes one)."""


async def authenticate(request: web.Request, doorkeeper: Doorkeeper) -> Caller:
    """Note the caller on the request and return who it is; raises NoToken and WrongToken."""
    presented = request.headers.getall("Authorization", [])
    matched = _BEARER.fullmatch(presented[0].strip()) if len(presented) == 1 else None
    if matched is None:
        raise NoToken
    caller = await doorkeeper.caller_of(hashlib.sha256(matched[1].encode()).digest())
    request[CALLER], request[TENANT] = caller, caller.tenant_id
    return caller
