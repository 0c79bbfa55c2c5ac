"""The calls of one process: how many, whose leases they live on, and how they end when it must stop."""

import asyncio
import contextlib
import functools
from collections import defaultdict
from typing import Final

import structlog

from services.dialer.call_runner import CallRunner
from services.dialer.governor import Governor
from shared.contracts.dial_job import DialJob
from shared.domain.drain import HANG_UP_SECONDS
from shared.domain.errors import PacelineError, Unavailable
from shared.ports.dialing import Attempts, LeasedAttempt

_log = structlog.get_logger()

#: A lease is renewed this many times before it would run out: two renewals may fail.
RENEWALS_PER_LEASE: Final = 3
#: How often the pacer hears that this worker lives; it believes it for three times as long.
ADVERTISE_SECONDS: Final = 2.0
#: A stop or a hold with hang-up ends the last call within a few seconds.
OBEY_SECONDS: Final = 0.5
#: A call that begins while the others are being hung up is hung up so much later.
HANG_UP_AGAIN_SECONDS: Final = 0.2


class Switchboard:
    """Takes what the doorbell says, up to the capacity of this process."""

    def __init__(
        self, runner: CallRunner, attempts: Attempts, *, capacity: int, lease_seconds: float
    ) -> None:
        self._runner = runner
        self._attempts = attempts
        self._governor = Governor(capacity)
        self._renew_seconds = lease_seconds / RENEWALS_PER_LEASE
        #: What was rung and is not leased yet; a dict for its order.
        self._rung: dict[DialJob, None] = {}
        self._bell = asyncio.Event()
        self._tasks: dict[DialJob, asyncio.Task[None]] = {}
        #: How many questions for leases are under way, each of which may become calls.
        self._asking = 0
        #: One of the two has become less.
        self._fewer = asyncio.Event()
        self._held: dict[DialJob, LeasedAttempt] = {}
        self._draining = False
        self._trouble: str | None = None

    @property
    def free(self) -> int:
        """How many more calls this process would take."""
        return 0 if self._draining or self._trouble else self._governor.most - len(self._tasks)

    def takes_rings(self) -> bool:
        """Whether this process dials at all now: if not, rings are left to others. May be asked from any thread."""
        return not self._draining and self._trouble is None

    def hear(self, job: DialJob) -> None:
        """Note a ring; one that this process has, or has no room for, is left: the pacer rings again."""
        if job not in self._tasks and len(self._rung) < self._governor.most:
            self._rung[job] = None
            self._bell.set()

    async def lease_forever(self) -> None:
        """Lease what was rung, all that has come in since the last time at once: the busier, the cheaper."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            rung, self._rung = list(self._rung), {}
            by_tenant: dict[int, list[DialJob]] = defaultdict(list)
            for job in rung[: max(0, self.free)]:
                by_tenant[job.tenant_id].append(job)
            await asyncio.gather(*(self._lease(tenant_id, jobs) for tenant_id, jobs in by_tenant.items()))

    async def advertise_forever(self) -> None:
        """Tell the pacer again and again that this worker lives, and how much it can take."""
        while True:
            trouble = self._note_trouble()
            capacity = 0 if self._draining or trouble else self._governor.settle()
            if trouble:
                self._governor.excuse()
            try:
                await self._attempts.advertise(capacity, unable_because=trouble)
            except Unavailable as error:
                _log.warning("dialer_not_advertised", reason=str(error))
            await asyncio.sleep(ADVERTISE_SECONDS)

    async def renew_forever(self) -> None:
        """Keep the leases of everything under way."""
        while True:
            await asyncio.sleep(self._renew_seconds)
            await self._renew()

    async def obey_forever(self) -> None:
        """End the calls that a stop or a hold wants ended."""
        while True:
            await asyncio.sleep(OBEY_SECONDS)
            try:
                await self._runner.hang_up(await self._attempts.to_hang_up(list(self._held.values())))
            except Unavailable as error:
                _log.warning("hang_ups_not_known", reason=str(error))

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Take nothing more, let calls end for so long, then hang up and record what is left."""
        self._draining = True
        self._runner.close()
        patience = asyncio.create_task(hurry.wait())
        over = asyncio.create_task(self._over())
        await asyncio.wait({over, patience}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        if not over.done():
            _log.info("hanging_up", calls=len(self._tasks))
            await self._hang_up_until(over)
        over.cancel()
        try:
            await self._attempts.retire()
        except Unavailable as error:
            _log.warning("dialer_not_retired", reason=str(error))

    async def _over(self) -> None:
        """Wait for the end of every attempt, also of one that is being leased right now."""
        while self._tasks or self._asking:
            self._fewer.clear()
            await self._fewer.wait()

    async def _hang_up_until(self, over: "asyncio.Task[None]") -> None:
        """Hang up what lives, again and again: a call that was about to begin lives only after the first time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_SECONDS):
                while not over.done():
                    await self._runner.hang_up_all()
                    await asyncio.wait({over}, timeout=HANG_UP_AGAIN_SECONDS)

    def _note_trouble(self) -> str | None:
        """Return why no call can leave now, and log when that changes."""
        before, self._trouble = self._trouble, self._runner.trouble()
        if self._trouble != before:
            if self._trouble:
                _log.warning("telephony_gone", reason=self._trouble)
            else:
                _log.info("telephony_is_back")
        return self._trouble

    async def _lease(self, tenant_id: int, jobs: list[DialJob]) -> None:
        self._asking += 1
        try:
            leases = await self._attempts.lease(tenant_id, jobs)
        except Unavailable as error:
            _log.warning("attempts_not_leased", attempts=len(jobs), reason=str(error))
            return
        finally:
            self._asking -= 1
            self._fewer.set()
        self._governor.saw(leased=len(leases.leased), missed=leases.missed)
        for leased in leases.leased:
            task = asyncio.create_task(self._see_through(leased), name=f"attempt {leased.job.attempt_id}")
            self._tasks[leased.job] = task
            task.add_done_callback(functools.partial(self._forget, leased.job))

    def _forget(self, job: DialJob, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(job, None)
        self._fewer.set()

    async def _see_through(self, leased: LeasedAttempt) -> None:
        """Run one attempt; whatever goes wrong with it must not reach the others."""
        self._held[leased.job] = leased
        try:
            await self._runner.run(leased)
        except PacelineError as error:
            # Before the intent the lease runs out and the attempt comes back; after it, the reaper ends it.
            _log.warning("attempt_left_to_the_reaper", attempt_id=leased.job.attempt_id, reason=str(error))
        except Exception:  # noqa: BLE001 - a mistake of ours in one call must not end two hundred others
            _log.exception("attempt_broke", attempt_id=leased.job.attempt_id)
        finally:
            self._held.pop(leased.job, None)

    async def _renew(self) -> None:
        held = list(self._held.values())
        if not held:
            return
        try:
            still_ours = await self._attempts.renew(held)
        except Unavailable as error:
            _log.warning("leases_not_renewed", calls=len(held), reason=str(error))
            return
        lost = [
            leased for leased in held if leased.job.attempt_id not in still_ours and leased.job in self._held
        ]
        if lost:
            _log.warning("leases_lost", calls=len(lost))
