"""Enqueues an order for each line `order merchant` on standard input, and answers with its id once it is committed.

Runs in the contenders' own environment; BENCH_DATABASE names the database.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from dbos import DBOSClient

from benchmarks.orders import good_order

_AT_ONCE = 8
_writing = Lock()
client = DBOSClient(system_database_url=os.environ["BENCH_DATABASE"])


def enqueue(line: str) -> None:
    """One order, in its merchant's partition of the queue."""
    order, merchant = line.split()
    options = {
        "workflow_name": "carry_order",
        "queue_name": "orders",
        "workflow_id": order,
        "queue_partition_key": merchant,
        "app_version": "1",
    }
    client.enqueue(options, good_order(order, merchant=merchant))
    _say(order)


def _say(word: str) -> None:
    with _writing:
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()


def main() -> None:
    """The program; it says `ready` first, and ends with its input."""
    _say("ready")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for line in sys.stdin:
            pool.submit(enqueue, line)


if __name__ == "__main__":
    main()
