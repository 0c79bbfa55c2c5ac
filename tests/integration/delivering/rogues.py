"""The hostile receivers as a program of their own, so that what they do costs them and not the deliverer under test.

Prints their addresses as one line of JSON and goes on until its standard input ends.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

from tests.integration.delivering.receivers import bomb, drip, flood, hang, lead_astray, rogue, storm

ROGUES = (hang, drip, flood, bomb, storm, lead_astray)


async def main() -> None:
    """Be hostile."""
    async with AsyncExitStack() as stack:
        urls = {each.__name__: await stack.enter_async_context(rogue(each)) for each in ROGUES}
        sys.stdout.write(f"{json.dumps(urls)}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
