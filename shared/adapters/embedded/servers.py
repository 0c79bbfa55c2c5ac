"""Both servers as one: what `paceline up` stands on when no DATABASE_URL and REDIS_URL are given."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.adapters.embedded.failures import CannotStart, told_as_a_sentence
from shared.adapters.embedded.folder_lock import FolderLock
from shared.adapters.embedded.postgres import EmbeddedPostgres
from shared.adapters.embedded.redis import EmbeddedRedis
from shared.adapters.embedded.storage import remove_if_empty, storages_of

PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUrls:
    """Where the two servers are; both contain a password."""

    database_url: str
    redis_url: str


class EmbeddedServers:
    """Postgres and Redis on one data folder, for as long as the block of `async with` lasts."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._lock = FolderLock(self._data_dir / "lock", folder=self._data_dir)
        self._postgres = EmbeddedPostgres(self._data_dir)
        self._redis = EmbeddedRedis(self._data_dir)
        self._urls: ServerUrls | None = None

    @property
    def urls(self) -> ServerUrls:
        """Where the servers are; raises `CannotStart` while they are not."""
        if self._urls is None:
            raise CannotStart("The embedded servers do not run yet.")
        return self._urls

    async def start(self) -> ServerUrls:
        """Start both at once; either both run afterwards or none and the error of one is raised.

        Call it on the main thread. Raises `DataInUse` for a second platform on the same folder.
        """
        with told_as_a_sentence(self._data_dir):
            self._take_folder()
        try:
            self._urls = await self._start_both()
        except BaseException:
            await self.stop()
            raise
        return self._urls

    async def restart_postgres(self) -> None:
        """Start a Postgres that has ended again, at the address that it had; raises `CannotStart`."""
        await self._postgres.restart()

    async def restart_redis(self) -> None:
        """Start a Redis that has ended again, at the address that it had; raises `CannotStart`."""
        await self._redis.restart()

    async def stop(self) -> None:
        """Stop both and give the folder free; harmless when they do not run."""
        self._urls = None
        await asyncio.gather(self._postgres.stop(), self._redis.stop())
        self._lock.release()

    async def remove_data(self) -> None:
        """Delete what both servers keep, wherever that is; the folder too if nothing else is in it."""
        if not self._data_dir.is_dir() and not storages_of(self._data_dir):
            return
        with told_as_a_sentence(self._data_dir):
            self._take_folder()
            try:
                await self._postgres.remove_data()
                await self._redis.remove_data()
            finally:
                self._lock.release(remove=True)
            remove_if_empty(self._data_dir)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _take_folder(self) -> None:
        self._data_dir.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._lock.acquire()

    async def _start_both(self) -> ServerUrls:
        database_url, redis_url = await asyncio.gather(
            self._postgres.start(), self._redis.start(), return_exceptions=True
        )
        if isinstance(database_url, BaseException):
            raise database_url
        if isinstance(redis_url, BaseException):
            raise redis_url
        return ServerUrls(database_url=database_url, redis_url=redis_url)
