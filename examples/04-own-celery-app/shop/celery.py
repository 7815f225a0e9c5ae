"""The app and its tasks, as they would run on any Celery worker."""

import json
import urllib.request
from typing import Any

from celery import Celery

app = Celery("shop")


@app.task(name="shop.forward", autoretry_for=(OSError,), retry_backoff=True, max_retries=8)
def forward(url: str, order: dict[str, Any]) -> int:
    """Send one order to a merchant; the HTTP status. What fails is tried again, as Celery has it."""
    request = urllib.request.Request(
        f"{url}/orders/validate",
        data=json.dumps(order).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": f"{order['id']}:validate"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)
