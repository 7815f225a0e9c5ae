"""An ordinary Celery app, as most teams have it: late acks, quorum queues, confirms, and tries again by itself.

BENCH_AMQP, BENCH_QUEUES (with commas), BENCH_ENDPOINT, BENCH_SLOTS, BENCH_RATE (of a worker, or nothing), BENCH_DEAD (a
file for the ids of orders that it gives up).
"""

import os
from pathlib import Path
from typing import Any

import requests
from celery import Celery, Task
from kombu import entity
from requests.adapters import HTTPAdapter

ENDPOINT, TIMEOUT = os.environ["BENCH_ENDPOINT"], float(os.environ["BENCH_TIMEOUT"])
QUEUES = os.environ["BENCH_QUEUES"].split(",")
_QUEUE: Any = entity.Queue
_EXCHANGE: Any = entity.Exchange
EXCHANGE = _EXCHANGE("orders", type="topic")


def queue(name: str) -> Any:
    """A quorum queue behind the one exchange."""
    return _QUEUE(name, exchange=EXCHANGE, routing_key=name, queue_arguments={"x-queue-type": "quorum"})


app = Celery("pos", broker=os.environ["BENCH_AMQP"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue=QUEUES[0],
    task_default_exchange="orders",
    task_default_exchange_type="topic",
    task_queues=tuple(map(queue, QUEUES)),
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    broker_transport_options={"confirm_publish": True},
)
session = requests.Session()
session.trust_env = False
session.mount("http://", HTTPAdapter(pool_maxsize=int(os.environ["BENCH_SLOTS"])))


class Carried(Task):
    """A task whose end in failure is written down: Celery acknowledges it, and nobody else would know."""

    def on_failure(self, exc: Exception, task_id: str, *_: Any) -> None:
        """Called when there is no further try."""
        del exc
        with Path(os.environ["BENCH_DEAD"]).open("a") as file:
            file.write(f"{task_id}\n")


@app.task(
    name="merchantroute.order",
    base=Carried,
    autoretry_for=(requests.RequestException,),
    retry_backoff=True,
    retry_backoff_max=15,
    max_retries=int(os.environ["BENCH_ATTEMPTS"]),
    rate_limit=os.environ.get("BENCH_RATE") or None,
)
def carry_order(order: dict[str, Any]) -> None:
    """The three calls, one after the other."""
    place = f"{ENDPOINT}/m/{order['merchant']}/orders"
    _call("POST", f"{place}/validate", order, f"{order['id']}:validate")
    _call("POST", place, order, f"{order['id']}:submit")
    _call("GET", f"{place}/{order['id']}", None, f"{order['id']}:confirm")


def _call(method: str, url: str, order: dict[str, Any] | None, key: str) -> None:
    answer = session.request(method, url, json=order, headers={"Idempotency-Key": key}, timeout=TIMEOUT)
    answer.raise_for_status()
