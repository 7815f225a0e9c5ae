"""The built-in task `merchantroute.order`, which carries an order through the route's steps."""

from typing import Any

from celery import Task

TASK = "merchantroute.order"


class OrderTask(Task):
    """The task's name and its strategy, by which the consumer finds `delivery/order.py`: no order passes Celery's
    Request and tracer.
    """

    name = TASK
    Strategy = "merchantroute_worker.celery.strategy:order_strategy"
    acks_late = True
    ignore_result = True
    typing = False

    def run(self, order: dict[str, Any]) -> None:
        """Only reached where something else than a worker of this project runs the task."""
        raise NotImplementedError(f"{TASK} runs under merchantroute-worker only (order {order.get('id')!r})")
