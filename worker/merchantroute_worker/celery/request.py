"""Celery's Request for an app's own tasks: reports to the delivery how the task ended, before it acks or rejects.

Celery leaves some ends without an ack or a reject: in greenlets and threads a BaseException (`sys.exit()`,
`asyncio.CancelledError`, an uncaught `gevent.Timeout`) or a MemoryError, and everywhere a failure hook or a result
backend that raises. So the delivery is told after each of Celery's callbacks, and when the pool is through with a task.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from billiard.einfo import ExceptionInfo, ExceptionWithTraceback
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.worker.request import Request
from celery.worker.state import task_ready

from merchantroute_worker.celery.failure_hooks import run_failure_hooks
from merchantroute_worker.delivery.task import TaskDelivery
from merchantroute_worker.pools.executors import when_ended

log = logging.getLogger(__name__)


class TaskRequest(Request):
    """The request class that Celery loads through a task's attribute `Request`."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Celery makes a subclass for each task, which brings these two methods of its own."""
        super().__init_subclass__(**options)
        cls.execute_using_pool = _watched(cls.execute_using_pool)
        cls.on_success = _settled(cls.on_success)

    @property
    def mr_delivery(self) -> TaskDelivery:
        """The delivery whose `acked` Celery calls at the end."""
        task: TaskDelivery = self._on_ack.__self__
        return task

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """The task raised, its process is gone, or we ended it (which prefork reports here first)."""
        error = _error_of(exc_info)
        if isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            self.mr_delivery.child_lost()
        elif isinstance(error, TimeLimitExceeded):
            self.mr_delivery.timed_out()
        elif not isinstance(error, Retry | Ignore | Reject):
            self.mr_delivery.failed(error)
        with _settles(self):
            return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_retry(self, exc_info: Any) -> Any:
        """The task has published its own retry."""
        self.mr_delivery.retried()
        with _settles(self):
            return super().on_retry(exc_info)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        """The task reached a time limit; the soft one is for the task itself to handle."""
        if soft:
            return super().on_timeout(soft, timeout)
        with _settles(self):
            tried_again = self.mr_delivery.timed_out()
            then = ", which is tried again" if tried_again else ""
            log.error("Hard time limit (%gs) exceeded for %s[%s]%s", timeout, self.name, self.id, then)
            task_ready(self)
            if not tried_again:
                # Celery would report a failure for each attempt.
                run_failure_hooks(self, timeout)
            return self.reject(requeue=True)


def _error_of(exc_info: Any) -> BaseException:
    error: BaseException = exc_info.exception
    return error.exc if isinstance(error, ExceptionWithTraceback) else error


def _watched(execute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute)
    def execute_using_pool(self: TaskRequest, *args: Any, **kwargs: Any) -> Any:
        result = execute(self, *args, **kwargs)
        when_ended(result, self.mr_delivery.ended)
        return result

    return execute_using_pool


def _settled(succeed: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(succeed)
    def on_success(self: TaskRequest, result: Any, **kwargs: Any) -> Any:
        with _settles(self):
            if isinstance(result, ExceptionInfo):
                # A BaseException in a greenlet or thread, which Celery wraps as WorkerLostError. No process is lost.
                self.mr_delivery.failed(_error_of(result))
                return Request.on_failure(self, result)
            if result[0] is False:
                # The gevent pool's result of a killed greenlet; the tracer's has 0 and 1. It says nothing of the task.
                return task_ready(self)
            return succeed(self, result, **kwargs)

    return on_success


@contextmanager
def _settles(request: TaskRequest) -> Iterator[None]:
    try:
        yield
    finally:
        request.mr_delivery.ended()
