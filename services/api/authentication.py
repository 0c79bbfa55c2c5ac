"""Who is asking: a bearer token, looked up by its hash."""

import hashlib
import re
from typing import Final

from aiohttp import web

from shared.domain.errors import PacelineError
from shared.ports.campaigns import Campaigns

TENANT: Final = web.RequestKey("tenant", int)

#: RFC 6750 section 2.1, bounded: ours have 46 characters, the published example's 36.
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/=]{1,512})")


class NoToken(PacelineError):
    """This needs a token: send the header `Authorization: Bearer YOUR-TOKEN` (`paceline token create` makes one)."""


async def authenticate(request: web.Request, campaigns: Campaigns) -> None:
    """Note the tenant on the request; raises NoToken and WrongToken."""
    presented = request.headers.getall("Authorization", [])
    matched = _BEARER.fullmatch(presented[0].strip()) if len(presented) == 1 else None
    if matched is None:
        raise NoToken
    request[TENANT] = await campaigns.tenant_of(hashlib.sha256(matched[1].encode()).digest())
