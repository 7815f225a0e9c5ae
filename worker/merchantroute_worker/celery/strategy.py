"""Celery's task strategies: the consumer calls one for each message of a task, before a slot is taken.

Messages of an app's own tasks are checked first (suspicion, ETA, bulkhead), then passed to Celery's own strategy.
Orders of the built-in task bypass this: the consumer gives them to `Deliveries` directly, without Celery's Request and
tracer, at three times the throughput. Only one in Celery's protocol 1, whose body names the task, still reaches
`order_strategy`. The signature of a strategy, `(task, app, consumer)` returning a handler of `(message, body, ack,
reject, callbacks)`, is Celery's own.
"""

from collections.abc import Callable
from typing import Any

from celery.worker.strategy import default

from merchantroute_worker.orders.task_message import Limits


def order_strategy(task: Any, app: Any, consumer: Any, **_: Any) -> Callable[..., None]:
    """The strategy of `merchantroute.order`."""
    del task, app
    deliveries = consumer.deliveries

    def on_message(message: Any, *_celery: Any) -> None:
        deliveries.start_order(message)

    return on_message


def app_strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., None]:
    """The strategy of an app's own task."""
    handle = default(task, app, consumer, **options)
    deliveries, limits = consumer.deliveries, own_limits(task, app)

    def on_message(message: Any, body: Any, _ack: Any, _reject: Any, callbacks: Any) -> None:
        deliveries.start_task(message, handle, body, callbacks, limits)

    return on_message


def own_limits(task: Any, app: Any) -> Limits:
    """The time limits that the app gives this task, by the task's own attributes or by its settings."""
    return task.time_limit or app.conf.task_time_limit, task.soft_time_limit or app.conf.task_soft_time_limit


def make_safe(task: Any) -> None:
    """Give an app's task our strategy, whatever its own attributes say about acknowledging and deadlines."""
    task.Strategy = "merchantroute_worker.celery.strategy:app_strategy"
    task.Request = "merchantroute_worker.celery.request:TaskRequest"
    task.acks_late = True
    task.acks_on_failure = False
    task.acks_on_timeout = False
    task.reject_on_worker_lost = True
    task.rate_limit = None
