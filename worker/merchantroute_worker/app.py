"""The built-in app: one task that carries an order through the route's steps."""

import os
from typing import Any

from celery import Celery, Task

from merchantroute_worker.celery.settings import safe_settings
from merchantroute_worker.config import identity

TASK = "merchantroute.order"


class OrderTask(Task):
    """The task's name and its strategy; the work is in `flight`, outside of Celery's tracer."""

    name = TASK
    Strategy = "merchantroute_worker.celery.strategy:order_strategy"
    acks_late = True
    ignore_result = True
    typing = False

    def run(self, order: dict[str, Any]) -> None:
        """Only reached where something else than a worker of this project runs the task."""
        raise NotImplementedError(f"{TASK} runs under merchantroute-worker only (order {order.get('id')!r})")


def make(queue: str) -> Celery:
    """The app, consuming one queue."""
    celery = Celery("merchantroute", set_as_current=False)
    celery.conf.update(safe_settings(queue))
    celery.register_task(OrderTask())
    return celery


def _queue() -> str:
    try:
        return identity.from_environment(os.environ).queue
    except ValueError:
        # Imported to look at, outside of a pod.
        return "mr"


app = make(_queue())
