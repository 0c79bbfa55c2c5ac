"""No-op tasks of celery: enqueue, then work them off with one worker; prints tasks a second."""

import sys
import threading
import time

from celery import Celery

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
worker = app.Worker(pool="threads", concurrency=8, loglevel="ERROR", quiet=True)
threading.Thread(target=worker.start, daemon=True).start()
finished.wait(100)
print((len(done) - 1) / (done[-1] - done[0]))
worker.stop()
