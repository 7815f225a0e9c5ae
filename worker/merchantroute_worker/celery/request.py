"""Celery's Request for an app's own tasks: reports to the delivery how the task ended, before it acks or rejects."""

from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.worker.request import Request

from merchantroute_worker.delivery.task import TaskDelivery


class TaskRequest(Request):
    """The request class that Celery loads through a task's attribute `Request`."""

    @property
    def mr_delivery(self) -> TaskDelivery:
        """The delivery whose `acked` Celery calls at the end."""
        task: TaskDelivery = self._on_ack.__self__
        return task

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """The task raised, its process is gone, or we ended it (which prefork reports here first)."""
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            self.mr_delivery.process_lost()
        elif isinstance(error, TimeLimitExceeded):
            self.mr_delivery.timed_out()
        elif not isinstance(error, Retry | Ignore | Reject):
            self.mr_delivery.failed(error)
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_retry(self, exc_info: Any) -> Any:
        """The task has published its own retry."""
        self.mr_delivery.retried()
        return super().on_retry(exc_info)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        """The task reached a time limit; the soft one is for the task itself to handle."""
        if not soft:
            self.mr_delivery.timed_out()
        return super().on_timeout(soft, timeout)
