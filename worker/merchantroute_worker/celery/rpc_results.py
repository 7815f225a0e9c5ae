"""Celery's result backend `rpc://` in a worker: answers whoever published a task, and reads no results itself.

Celery's own declares a queue and opens a consumer as soon as a task publishes another one, at the app's own broker,
even if nobody asks for its result. The pods' user may declare nothing.
"""

from typing import Any, NoReturn

from celery.backends.rpc import RPCBackend

BACKENDS = {"rpc": "merchantroute_worker.celery.rpc_results:RpcResults"}
"""For a loader's `override_backends`."""


class RpcResults(RPCBackend):
    """Publishes results to the queue that a message names in `reply_to`."""

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Declare no queue for the result of a task that is being published."""

    def add_pending_result(self, result: Any, weak: bool = False, start_drainer: bool = True) -> Any:
        """Expect no result."""
        del weak, start_drainer
        return result

    def wait_for_pending(self, result: Any, **_: Any) -> NoReturn:
        """Raise instead of waiting for ever."""
        raise RuntimeError(
            f"the result of {result.id} cannot be read inside a worker: rpc:// answers whoever published the task. "
            "Take a chord or another result backend"
        )
