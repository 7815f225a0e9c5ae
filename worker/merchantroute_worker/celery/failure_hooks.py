"""Runs Celery's failure hooks for a task that reached its hard time limit for the last time.

Celery's own `on_timeout` runs all of them from 5.7 on; before, only `link_error` and the chord's part.
"""

from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery import states
from celery.app.trace import TraceInfo


def run_failure_hooks(request: Any, seconds: float) -> None:
    """Report the failure: `link_error`, the chord, `on_failure`, `task_failure`, `after_return`.

    `seconds` is the limit. An exception of a hook ends the others, as for a task that raised.
    """
    try:
        # Raised, since hooks are given an error with a traceback.
        raise TimeLimitExceeded(seconds)  # noqa: TRY301
    except TimeLimitExceeded as error:
        failure, task = TraceInfo(states.FAILURE, error), request.task
        context = request._context  # noqa: SLF001 - what Celery's tracer would be given
        told = failure.handle_failure(task, context, store_errors=request.store_errors)
        task.after_return(states.FAILURE, error, request.id, request.args, request.kwargs, told)
        request.send_event("task-failed", exception=repr(error), traceback=told.traceback)
