"""The series of calls with geventhttpclient, for those that run under gevent: its own client, at its best settings."""

import json
import os
from typing import Any

from geventhttpclient import HTTPClient

ENDPOINT = os.environ["BENCH_ENDPOINT"]
SLOTS = int(os.environ["BENCH_SLOTS"])
client = HTTPClient.from_url(ENDPOINT, concurrency=SLOTS, connection_timeout=10, network_timeout=10)


def carry(order_id: str, merchant: str, order: Any) -> None:
    """The three calls, one after the other; RuntimeError when one is not answered with 200."""
    body = json.dumps(order)
    _call("POST", f"/m/{merchant}/orders/validate", body, f"{order_id}:validate")
    _call("POST", f"/m/{merchant}/orders", body, f"{order_id}:submit")
    _call("GET", f"/m/{merchant}/orders/{order_id}", "", f"{order_id}:confirm")


def _call(method: str, path: str, body: str, key: str) -> None:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = client.request(method, path, body=body, headers=headers)
    answer.read()
    if answer.status_code != 200:
        raise RuntimeError(f"{method} {path}: {answer.status_code}")
