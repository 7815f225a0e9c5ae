"""The delivery of one message of an app's own task: the same pipeline as `delivery/order.py`, around work that Celery
does.

Suspicion, ETA, age and the merchant's bulkhead are checked before Celery gets the message, as for every order.
Afterwards a message that Celery would ack, reject or drop is settled only once its outcome is safe.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from merchantroute_worker.bulkhead.rule import NO_SLOT, Verdict
from merchantroute_worker.delivery.delivery import Stage
from merchantroute_worker.delivery.settlement import BEYOND_PART, Settlement
from merchantroute_worker.egress.rules import ForbiddenAddress
from merchantroute_worker.orders import task_decisions, task_message
from merchantroute_worker.orders.messages import DeathReason, Outgoing, forward, to_dead
from merchantroute_worker.orders.outcome import Done, ToDead, ToLadder
from merchantroute_worker.orders.route import Route
from merchantroute_worker.orders.task_body import Malformed
from merchantroute_worker.orders.task_decisions import RunTask
from merchantroute_worker.orders.task_message import Limits, TaskMessage
from merchantroute_worker.outcomes.completions import task_record
from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.clock import Stopwatch
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
Handler = Callable[..., Any]


def repr_of(error: BaseException) -> str:
    """The error's repr; an app's own exception may raise there as well."""
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - whatever the app's code raises
        return type(error).__name__


class TaskDelivery(Settlement[TaskMessage]):
    """One message of an app's own task. Celery's Request calls `acked` or `rejected` at its end, preceded by `failed`,
    `timed_out`, `child_lost` or `retried` unless the task succeeded.

    `run_settlement` runs work that may wait for the broker; `on_end` removes the delivery; `limits` are the app's own
    for this task.
    """

    def __init__(
        self,
        pod: Pod,
        message: Any,
        run_settlement: Callable[..., None],
        on_end: Callable[[], None],
        limits: Limits = (None, None),
    ) -> None:
        super().__init__(pod, message)
        self._run_settlement = run_settlement
        self._on_end = on_end
        self._limits = limits
        self._after_timeout: ToLadder[TaskMessage] | ToDead[TaskMessage] | None = None
        self._settlement: Callable[[], None] | None = None
        self._task: TaskMessage | None = None
        self._slot_stopwatch: Stopwatch | None = None

    def run(self, handle: Handler, body: Any, callbacks: Any) -> None:
        """Decide, and pass the message to Celery's own strategy (`handle`) if it may run."""
        handed_to_celery = False
        try:
            if self.wait_until_ready():
                handed_to_celery = self._begin(handle, body, callbacks)
        except Malformed as error:
            self.dead_letter("malformed", str(error))
        except Exception:
            log.exception("a task could not be begun", extra={"data": self.log_fields("error")})
            self.dead_letter("malformed", "the task's message cannot be read by its app")
        finally:
            if not handed_to_celery:
                self._release()
                self._on_end()

    def _begin(self, handle: Handler, body: Any, callbacks: Any) -> bool:
        """Whether Celery has the task now, and will report how it ended."""
        pod = self.pod
        pod.counters.count("taken")
        task = self._task = task_message.read(self.incoming, now=time.time(), zone=pod.timezone)
        key = task.delivery_key
        if self.ack_if_settled(key) or self.move_if_suspect(key, self._death_reason):
            return False
        # It may have waited to hear of a dead pod.
        decision = self._decide(task, time.time())
        if not isinstance(decision, RunTask):
            self.settle(decision, key)
            return False
        sleep(decision.wait)
        if not self.advance(Stage.CALLING):
            return False
        self.work_begins()
        self._acquire(task, decision.timeout)
        self.message.headers = {**self.message.headers, **decision.headers}
        handle(self.message, body, self.acked, self.rejected, callbacks)
        return True

    def _decide(self, task: TaskMessage, now: float) -> RunTask | ToLadder[TaskMessage] | ToDead[TaskMessage]:
        route = self.pod.files.current
        decision = task_decisions.before_slot(task, route, now=now, own=self._limits)
        if isinstance(decision, RunTask):
            return self._ask_bulkhead(task, route) or decision
        return decision

    def _ask_bulkhead(self, task: TaskMessage, route: Route) -> ToLadder[TaskMessage] | None:
        if self.admitted:
            return None
        if self.is_for_own_queue:
            return task_decisions.refused(task, route, BEYOND_PART, at_once=self.goes_at_once)
        bulkhead, now = self.pod.bulkhead, self.pod.clock.now()
        verdict = bulkhead.decide(task.merchant, now, own_task=True, own_queue=self.from_own_queue)
        if verdict is Verdict.ADMIT:
            return None
        if verdict in NO_SLOT:
            return task_decisions.refused(task, route, verdict.value, at_once=self.goes_at_once)
        return task_decisions.deferred(task, route, verdict.value)

    def _death_reason(self, reason: str) -> DeathReason:
        return DeathReason(reason=reason, attempts=self._parsed_task.attempts)

    def acked(self, *_: Any) -> None:
        """Celery's ack callback: the task succeeded, or one of the other callbacks said how it ended."""
        self._settlement = self._settlement or self._settle_success
        self._end()

    def rejected(self, _log: Any, _errors: Any, requeue: bool = False) -> None:
        """Celery's reject callback: Celery would drop the message, or requeue it at once."""
        self._settlement = self._settlement or (self._settle_requeued if requeue else self._settle_failed)
        self._end()

    def ended(self, error: BaseException | None = None) -> None:
        """Celery or its pool is through with the task. Without an ack or a reject before, it failed with this error, or
        has no outcome. Does not block, so that gevent's hub may call it.
        """
        if self.stage not in {Stage.SETTLING, Stage.SETTLED}:
            self._run_settlement(self._end_without_outcome, error)

    def failed(self, error: BaseException) -> None:
        """The task raised and did not retry itself; retries are the app's own decision."""
        log.warning("task failed: %s", repr_of(error), extra={"data": self.log_fields("task-failed")})
        self.error_name = type(error).__name__
        self._settlement = self._settle_failed
        if isinstance(error, ForbiddenAddress):  # the guard of an app's own calls raises it
            self._settlement = partial(self._settle_forbidden, str(error))

    def retried(self) -> None:
        """The task published its own retry, and the broker confirmed it."""
        self._settlement = self._settle_retried

    def timed_out(self) -> bool:
        """The task was ended at its hard time limit; True if it is tried again. Prefork tells it twice."""
        if self._after_timeout is None:
            merchant, now = self._parsed_task.merchant, self.pod.clock.now()
            if self._slot_stopwatch is not None and not self._slot_stopwatch.was_stalled():
                self.pod.bulkhead.timed_out(merchant, now, began=self._slot_stopwatch.began)
            # First, or the age of this very call would say that the merchant is slow.
            self._release()
            slow = self.pod.bulkhead.is_slow(merchant, now)
            self._after_timeout = task_decisions.after_timeout(self._parsed_task, self.pod.files.current, slow=slow)
            self._settlement = self._settle_timeout
        return isinstance(self._after_timeout, ToLadder)

    def child_lost(self) -> None:
        """The child process that ran the task is gone, or the task ended in it without an outcome."""
        self._settlement = self._settle_lost

    def record(self, done: Done[TaskMessage]) -> dict[str, Any]:
        """See `Settlement`."""
        return task_record(self.pod.identity, done.order, finished_at=time.time(), redelivered=self.redelivered)

    def rung_message(self, to: ToLadder[TaskMessage]) -> Outgoing:
        """See `Settlement`."""
        return forward(self.incoming, exchange=self.pod.ladder, headers=to.order.rung_headers(to.rung))

    def dead_message(self, to: ToDead[TaskMessage]) -> Outgoing:
        """See `Settlement`."""
        return to_dead(self.incoming, to.why, exchange=self.pod.files.current.dead)

    @property
    def _parsed_task(self) -> TaskMessage:
        assert self._task is not None  # noqa: S101 - set before Celery gets the message
        return self._task

    def _end_without_outcome(self, error: BaseException | None) -> None:
        if self._settlement is None and self.stage is Stage.CALLING:
            if error is None:
                log.error("a task ended without an outcome", extra={"data": self.log_fields("lost")})
                self.child_lost()
            else:
                self.failed(error)
        self._end()

    def _end(self) -> None:
        if self.stage in {Stage.SETTLING, Stage.SETTLED}:
            return
        self._release()
        if not self.advance(Stage.SETTLING):
            self._on_end()
            return
        self._run_settlement(self._settle_and_remove)

    def _settle_and_remove(self) -> None:
        try:
            if self._settlement is not None:
                self._settlement()
        finally:
            self._on_end()

    def _acquire(self, task: TaskMessage, timeout: float) -> None:
        self._slot_stopwatch = slot = Stopwatch(self.pod.clock)
        self.pod.bulkhead.acquire(task.merchant, self, slot.began, timeout=timeout, step=task.task)
        self.pod.counters.begin_attempt(time.monotonic())

    def _release(self) -> None:
        slot, self._slot_stopwatch = self._slot_stopwatch, None
        if slot is None:
            return
        self.pod.counters.end_attempt(time.monotonic())
        now = self.pod.clock.now()
        if self._settlement == self._settle_success:
            task = self._parsed_task
            self.pod.bulkhead.answered(task.merchant, now, now - slot.began, step=task.task)
        self.pod.bulkhead.attempted(self._parsed_task.merchant, failed=self._settlement == self._settle_timeout)
        self.pod.bulkhead.release(self._parsed_task.merchant, self, now)
        self.pod.counters.count("finished")

    def _settle_success(self) -> None:
        self.settle(Done(order=self._parsed_task), self._parsed_task.delivery_key)

    def _settle_retried(self) -> None:
        self.pod.remember_settled(self._parsed_task.delivery_key)
        self.pod.outcome_counter.to_ladder("retried", "task")
        self.pod.events.retried(self.incoming, "task")
        self.ack()

    def _settle_lost(self) -> None:
        self.process_lost(self._parsed_task.delivery_key, self._death_reason)

    def _settle_failed(self) -> None:
        self.settle(task_decisions.dead(self._parsed_task, "task-failed"), self._parsed_task.delivery_key)

    def _settle_forbidden(self, explanation: str) -> None:
        self.settle(task_decisions.forbidden(self._parsed_task, explanation), self._parsed_task.delivery_key)

    def _settle_requeued(self) -> None:
        outcome = task_decisions.deferred(self._parsed_task, self.pod.files.current, "requeued")
        self.settle(outcome, self._parsed_task.delivery_key)

    def _settle_timeout(self) -> None:
        assert self._after_timeout is not None  # noqa: S101 - decided in `timed_out`
        self.settle(self._after_timeout, self._parsed_task.delivery_key)
