"""No-op tasks of celery: enqueue, then work them off with one worker; prints tasks a second."""

import sys
import threading
import time
import warnings

from celery import Celery
from celery.contrib.testing.worker import start_worker

warnings.simplefilter("ignore")  # it warns of running as root, which a benchmark may
url, tasks = sys.argv[1], int(sys.argv[2])
app = Celery("noop", broker=url, set_as_current=False)
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
done: list[float] = []
finished = threading.Event()


@app.task(name="noop")
def noop() -> None:
    """Do nothing but note that it ran."""
    done.append(time.perf_counter())
    if len(done) == tasks:
        finished.set()


for _ in range(tasks):
    noop.apply_async()
with start_worker(app, pool="threads", concurrency=8, perform_ping_check=False, loglevel="ERROR"):
    finished.wait(100)
print((len(done) - 1) / (done[-1] - done[0]))
