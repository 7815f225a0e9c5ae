"""One message of an app's own task: what the built-in task has in `flight`, around work that Celery does.

Before Celery gets it: suspicion, ETA, age and the merchant's bulkhead, as for every order. The body is the app's (any
serializer), so what we note of it travels in headers. After: nothing that Celery would ack, reject or drop leaves here
without an outcome that is safe.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.delivery.suspects import REASON, set_apart
from merchantroute_worker.orders import task_decisions
from merchantroute_worker.orders.envelope import Malformed
from merchantroute_worker.orders.messages import DeathReason, forward, paced, to_dead
from merchantroute_worker.orders.task_decisions import Run, TaskMessage, ToDead, ToLadder
from merchantroute_worker.outcomes.completions import task_record
from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.clock import Stopwatch
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
Handler = Callable[..., Any]


class TaskDelivery(Delivery):
    """One message. Celery's Request calls `acked` and `rejected` at its end, after one of `failed`, `timed_out`,
    `lost_its_process` or `retried`, or after none of them when the task is done.
    """

    def __init__(self, pod: Pod, message: Any, settle: Callable[..., None], gone: Callable[[], None]) -> None:
        super().__init__(pod, message)
        self._settle_soon = settle
        self._gone = gone
        self._outcome: Callable[[], None] = self._done
        self._note: TaskMessage | None = None
        self._stopwatch = Stopwatch(pod.clock)
        self._holds_slot = False
        self._over = False

    def run(self, handle: Handler, body: Any, callbacks: Any) -> None:
        """Decide, and hand it to Celery's own strategy when it may run."""
        try:
            if self.may_begin():
                self._begin(handle, body, callbacks)
        except Malformed as error:
            self.bury("malformed", str(error))
        except Exception:
            log.exception("a task could not be begun", extra={"data": self.names("error")})
            self._leave()
            self.bury("malformed", "the task's message cannot be read by its app")
        finally:
            if not self._holds_slot and not self._over:
                self._gone()

    def _begin(self, handle: Handler, body: Any, callbacks: Any) -> None:
        pod, now = self.pod, time.time()
        pod.counters.count("taken")
        note = self._note = task_decisions.read(self.incoming, now=now)
        guilty = DeathReason(reason=REASON, attempts=note.attempts)
        if (self.redelivered and self.was_settled(note.hop)) or set_apart(self, note.id, note.hop, guilty):
            return
        decision = task_decisions.before_slot(note, pod.files.current, now=now)
        if isinstance(decision, Run):
            verdict = pod.bulkhead.decide(note.merchant, pod.clock.now())
            if verdict is not Verdict.ADMIT:
                decision = task_decisions.refused(note, pod.files.current, verdict.value)
        if not isinstance(decision, Run):
            self._elsewhere(decision)
            return
        sleep(decision.wait)
        self._stopwatch = Stopwatch(pod.clock)
        pod.bulkhead.acquire(note.merchant, self, self._stopwatch.began)
        pod.counters.begin(time.monotonic())
        self._holds_slot = True
        self.message.headers = {**self.message.headers, **decision.headers}
        handle(self.message, body, self.acked, self.rejected, callbacks)

    def acked(self, *_: Any) -> None:
        """Celery is through with the task, and content."""
        self._end(self._outcome)

    def rejected(self, _log: Any, _errors: Any, requeue: bool = False) -> None:
        """Celery is through with the task, and would drop it (or have it again at once)."""
        if self._outcome == self._done:
            self._outcome = self._again if requeue else self._failed
        self._end(self._outcome)

    def failed(self, error: BaseException) -> None:
        """The task raised; retries are the app's, and it made no more."""
        log.warning("task failed: %r", error, extra={"data": self.names("task-failed")})
        self._outcome = self._failed

    def retried(self) -> None:
        """The task has sent itself again; the broker has confirmed that."""
        self._outcome = self._retried

    def timed_out(self) -> None:
        """The task was ended at its deadline."""
        if self._holds_slot and not self._stopwatch.was_stalled():
            self.pod.bulkhead.timed_out(self._known.merchant, self.pod.clock.now())
        self._outcome = self._timed_out

    def lost_its_process(self) -> None:
        """The child process ended under the task."""
        self.pod.held.discard(self._known.id)
        self._outcome = self.give_back

    @property
    def _known(self) -> TaskMessage:
        assert self._note is not None  # noqa: S101 - set before Celery gets the message
        return self._note

    def _end(self, outcome: Callable[[], None]) -> None:
        if self._over:
            return
        self._over = True
        self._leave()
        if self.handed_back:
            self._gone()
            return
        self.settling = True
        self._settle_soon(self._settle, outcome)

    def _settle(self, outcome: Callable[[], None]) -> None:
        hop = self._known.hop
        self.pod.settling.add(hop)
        try:
            outcome()
        finally:
            self.pod.settling.discard(hop)
            self._gone()

    def _leave(self) -> None:
        if self._holds_slot:
            self._holds_slot = False
            self.pod.counters.end(time.monotonic())
            now = self.pod.clock.now()
            if self._outcome == self._done:
                self.pod.bulkhead.answered(self._known.merchant, now, now - self._stopwatch.began)
            self.pod.bulkhead.release(self._known.merchant, self, now)
            self.pod.counters.count("finished")

    def _done(self) -> None:
        pod, note = self.pod, self._known
        document = task_record(pod.identity, note, finished_at=time.time(), redelivered=self.redelivered)
        if not pod.completions.write(document, self.given_up):
            return
        pod.settle(note.hop)
        pod.counters.count("done")
        pod.metrics.done(document["seconds"])
        self.ack()

    def _retried(self) -> None:
        self.pod.settle(self._known.hop)
        self.pod.counters.count("retried")
        self.pod.metrics.ladder("retried", "task")
        self.ack()

    def _failed(self) -> None:
        self._elsewhere(ToDead(reason="task-failed"))

    def _again(self) -> None:
        self._elsewhere(task_decisions.refused(self._known, self.pod.files.current, "requeued"))

    def _timed_out(self) -> None:
        slow = self.pod.bulkhead.is_slow(self._known.merchant, self.pod.clock.now())
        self._elsewhere(task_decisions.after_timeout(self._known, self.pod.files.current, slow=slow))

    def _elsewhere(self, to: ToLadder | ToDead) -> None:
        self.settling = True
        note = self._known
        if isinstance(to, ToLadder):
            message = forward(self.incoming, exchange=self.pod.ladder, headers=to.headers)
            if (to.outcome, to.reason) == ("refused", Verdict.SLOW.value):
                message = paced(message, self.pod.pace_of(note.merchant, self.pod.files.current))
            self.send_on(message, note.hop, lambda: self._count_ladder(to))
            return
        log.warning("task is dead: %s", to.reason, extra={"data": self.names(to.reason)})
        why = DeathReason(reason=to.reason, attempts=note.attempts, answer_class=to.answer_class)
        letter = to_dead(self.incoming, why, exchange=self.pod.files.current.dead)
        self.send_on(letter, note.hop, lambda: self.count_dead(to.reason))

    def _count_ladder(self, to: ToLadder) -> None:
        self.pod.counters.count(to.outcome)
        self.pod.metrics.ladder(to.outcome, to.reason)
