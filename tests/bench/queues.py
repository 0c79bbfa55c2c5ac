"""No-op tasks through well-known task queues on the same Redis, for scale.

They promise more than a doorbell and less than an attempt: rows beside ours, not against it.
"""

import asyncio
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

from rows import Row
from stage import Stage

from shared.adapters.redis.doorbell import RedisDoorbell, RedisDoorbellListener, broker
from shared.contracts.dial_job import DialJob

TASKS = 5000
FEW_TASKS = 1000
HERE = Path(__file__).parent


async def measure(stage: Stage) -> list[Row]:
    """Return how many rings a second are heard, and the no-op rates of celery and rq where they are installed."""
    rows = [Row("rings heard by one dialer's listener (dramatiq)", await _doorbell(stage))]
    for name in ("celery", "rq"):
        if importlib.util.find_spec(name) is None:
            print(f"  {name} is not installed: `.venv/bin/pip install {name}` adds its row", file=sys.stderr)
            continue
        rows.append(
            Row(f"no-op tasks of {name}, one worker", await asyncio.to_thread(_other, name, stage), rows[0])
        )
    return rows


async def _doorbell(stage: Stage) -> float:
    heard: list[float] = []
    bell = RedisDoorbell(broker(stage.urls.redis_url, "bench"))
    await bell.ring([DialJob(tenant_id=1, campaign_id=1, attempt_id=n + 1) for n in range(TASKS)])
    listener = RedisDoorbellListener(broker(stage.urls.redis_url, "bench"))
    listener.start(
        on_dial=lambda _: heard.append(time.perf_counter()),
        on_delivery=lambda: None,
        takes_dials=lambda: True,
    )
    async with asyncio.timeout(60):
        while len(heard) < TASKS:
            await asyncio.sleep(0.01)
    listener.stop()
    return (TASKS - 1) / (heard[-1] - heard[0])


def _other(name: str, stage: Stage) -> float:
    """Run the other queue's own script in a process of its own; it prints its rate."""
    finished = subprocess.run(
        [sys.executable, HERE / f"noop_{name}.py", stage.urls.redis_url, str(FEW_TASKS)],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return float(finished.stdout.split()[-1])
