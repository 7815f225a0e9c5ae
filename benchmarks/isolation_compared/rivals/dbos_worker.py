"""A DBOS worker: each order a workflow of three steps, which try again by themselves, with a limit for each merchant.

Runs in the contenders' own environment. BENCH_DATABASE, BENCH_EXECUTOR, BENCH_ENDPOINT, BENCH_SLOTS, BENCH_EACH (most
orders of one merchant at a time, over all workers), BENCH_TIMEOUT, BENCH_ATTEMPTS. It says `ready` on standard output.
"""

import os
import sys
from threading import Event
from typing import Any

import requests
from dbos import DBOS
from requests.adapters import HTTPAdapter

ENDPOINT, TIMEOUT = os.environ["BENCH_ENDPOINT"], float(os.environ["BENCH_TIMEOUT"])
POLL = 0.1
"""Seconds between two looks for orders; DBOS's own 1 s would be as much as an order takes."""
DBOS(
    config={
        "name": "pos",
        "system_database_url": os.environ["BENCH_DATABASE"],
        "executor_id": os.environ["BENCH_EXECUTOR"],
        "application_version": "1",
        "log_level": "WARNING",
        "sys_db_pool_size": 20,
    }
)
session = requests.Session()
session.trust_env = False
session.mount("http://", HTTPAdapter(pool_maxsize=int(os.environ["BENCH_SLOTS"])))


@DBOS.workflow(name="carry_order")
def carry_order(order: dict[str, Any]) -> None:
    """The three calls, one after the other."""
    place = f"{ENDPOINT}/m/{order['merchant']}/orders"
    call("POST", f"{place}/validate", order, f"{order['id']}:validate")
    call("POST", place, order, f"{order['id']}:submit")
    call("GET", f"{place}/{order['id']}", None, f"{order['id']}:confirm")


@DBOS.step(
    retries_allowed=True,
    max_attempts=int(os.environ["BENCH_ATTEMPTS"]),
    interval_seconds=1,
    backoff_rate=2,
)
def call(method: str, url: str, order: dict[str, Any] | None, key: str) -> None:
    """One call; what fails is raised, and tried again."""
    answer = session.request(method, url, json=order, headers={"Idempotency-Key": key}, timeout=TIMEOUT)
    answer.raise_for_status()


def main() -> None:
    """The program."""
    DBOS.launch()
    DBOS.register_queue(
        "orders",
        worker_concurrency=int(os.environ["BENCH_SLOTS"]),
        partition_concurrency=int(os.environ["BENCH_EACH"]),
        polling_interval_sec=POLL,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Event().wait()


if __name__ == "__main__":
    main()
