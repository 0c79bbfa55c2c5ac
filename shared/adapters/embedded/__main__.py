"""What deploy/bootstrap.sh asks of this package, so that each fact has one home.

    python -m shared.adapters.embedded redis            print the redis-server that would be used
    python -m shared.adapters.embedded remove FOLDER    delete the data of FOLDER, for `make clean`

Nothing in this package imports more than the standard library and our own errors, so any Python that Paceline
supports can do this from the project's folder, with nothing installed.
"""

import asyncio
import sys
from pathlib import Path

from shared.adapters.embedded.binaries import redis_program
from shared.adapters.embedded.servers import EmbeddedServers
from shared.domain.errors import PacelineError


def main(arguments: list[str]) -> int:
    """Do what the module docstring lists; return the exit status."""
    try:
        match arguments:
            case ["redis"]:
                sys.stdout.write(f"{redis_program(as_other_user=False).path}\n")
            case ["remove", folder]:
                asyncio.run(EmbeddedServers(Path(folder)).remove_data())
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except PacelineError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
