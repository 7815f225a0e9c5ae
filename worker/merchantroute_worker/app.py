"""The built-in Celery app: one task that makes an order's calls, step by step."""

import os

from celery import Celery

from merchantroute_worker.celery.order_task import OrderTask
from merchantroute_worker.celery.settings import safe_settings
from merchantroute_worker.config import identity


def make_app(queue: str) -> Celery:
    """Create the app, consuming one queue."""
    celery = Celery("merchantroute", set_as_current=False)
    celery.conf.update(safe_settings(queue))
    celery.register_task(OrderTask())
    return celery


def _queue() -> str:
    try:
        return identity.from_environment(os.environ).queue
    except ValueError:
        # Imported outside of a pod, for example to inspect it.
        return "mr"


app = make_app(_queue())
