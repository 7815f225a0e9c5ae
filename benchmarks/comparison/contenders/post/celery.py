"""The post's starting point: an ordinary Celery app, with requests, as most teams have it.

Late acks, a quorum queue and confirms, so that it keeps orders as the others do; all else as Celery comes.
"""

import os
from typing import Any

import requests
from celery import Celery
from kombu import entity
from requests.adapters import HTTPAdapter

ENDPOINT, QUEUE = os.environ["BENCH_ENDPOINT"], os.environ["BENCH_QUEUE"]
SLOTS = int(os.environ["BENCH_SLOTS"])
_QUEUE: Any = entity.Queue

app = Celery("pos", broker=os.environ["BENCH_AMQP"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue=QUEUE,
    task_queues=(_QUEUE(QUEUE, no_declare=True, queue_arguments={"x-queue-type": "quorum"}),),
    worker_prefetch_multiplier=1,
    broker_transport_options={"confirm_publish": True},
)
session = requests.Session()
session.trust_env = False
session.mount("http://", HTTPAdapter(pool_maxsize=SLOTS))


@app.task(name="merchantroute.order")
def carry_order(order: dict[str, Any]) -> None:
    """The three calls, one after the other."""
    place = f"{ENDPOINT}/m/{order['merchant']}/orders"
    _call("POST", f"{place}/validate", order, f"{order['id']}:validate")
    _call("POST", place, order, f"{order['id']}:submit")
    _call("GET", f"{place}/{order['id']}", None, f"{order['id']}:confirm")


def _call(method: str, url: str, order: dict[str, Any] | None, key: str) -> None:
    answer = session.request(method, url, json=order, headers={"Idempotency-Key": key}, timeout=10)
    answer.raise_for_status()
