"""The built-in task `merchantroute.order`, which makes an order's calls."""

from typing import Any

from celery import Task

TASK = "merchantroute.order"


class OrderTask(Task):
    """Registers the task's name and strategy. The consumer gives its messages to `delivery/order.py`: no order passes
    through Celery's Request and tracer.
    """

    name = TASK
    Strategy = "merchantroute_worker.celery.strategy:order_strategy"
    acks_late = True
    ignore_result = True
    typing = False

    def run(self, order: dict[str, Any]) -> None:
        """Reached only if the task is run by a worker other than merchantroute-worker."""
        raise NotImplementedError(f"{TASK} runs under merchantroute-worker only (order {order.get('id')!r})")
