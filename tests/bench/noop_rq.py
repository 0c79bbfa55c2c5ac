"""No-op tasks of rq: enqueue, then work them off with one worker in this process; prints tasks a second."""

import sys
import time

from redis import Redis
from rq import Queue, SimpleWorker

url, tasks = sys.argv[1], int(sys.argv[2])
connection = Redis.from_url(url)
queue = Queue("noop", connection=connection)
for _ in range(tasks):
    queue.enqueue(time.perf_counter)
began = time.perf_counter()
SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")
print(tasks / (time.perf_counter() - began))
