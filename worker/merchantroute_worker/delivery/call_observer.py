"""Reports each call of an attempt to the bulkhead, the metrics and the trace: what it says about its merchant."""

from collections.abc import Mapping

from merchantroute_worker.bulkhead.views import Failure
from merchantroute_worker.orders.answers import FORBIDDEN, UNREACHABLE, Answer, Meaning
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.route import Route
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.clock import Stopwatch
from merchantroute_worker.telemetry.forbidden_merchants import Forbidden
from merchantroute_worker.telemetry.tracing import OrderTrace

OTHER_STEP = "other"
"""The metrics' label for steps that the route no longer has: an order goes by the steps that it began with."""


class CallObserver:
    """Observes the calls of one attempt. `slot` names its slot in the bulkhead."""

    def __init__(self, pod: Pod, run: Run, route: Route, slot: object, trace: OrderTrace) -> None:
        self._pod, self._run, self._route, self._slot, self._trace = pod, run, route, slot, trace
        self._merchant = run.order.merchant
        self._stopwatch = Stopwatch(pod.clock)

    def begins(self, step: Step) -> Mapping[str, str]:
        """Note that a call begins, and give the headers of its trace context."""
        self._stopwatch = Stopwatch(self._pod.clock)
        self._pod.bulkhead.begin_call(self._merchant, self._slot, self._stopwatch.began, step=step.name)
        return self._trace.begins(step.name)

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        """Note that a call has ended."""
        self._trace.ended(answer)
        label = step.name if step.name in self._route.step_names else OTHER_STEP
        self._pod.metrics.call(label, answer.label, seconds)
        bulkhead, now = self._pod.bulkhead, self._pod.clock.now()
        if self._pod.forbidden_merchants.met and answer.status is not None:
            self._pod.forbidden_merchants.reached(self._merchant)
        if answer.succeeded:
            bulkhead.answered(self._merchant, now, self._own_seconds(seconds, now), step=step.name)
            return
        bulkhead.note_failure(self._merchant, Failure(step=step.name, text=answer.text, at=now))
        if answer.status is not None:
            self._refused(step, answer, seconds, now)
        elif answer.failure == "timeout":
            if not self._stopwatch.was_stalled():
                bulkhead.timed_out(self._merchant, now, began=self._stopwatch.began)
        elif answer.failure == "dns":
            bulkhead.name_failed(self._merchant, now)
        elif answer.failure in UNREACHABLE:
            bulkhead.failed(self._merchant)
        elif answer.failure == FORBIDDEN:
            forbidden = Forbidden(now, self._run.merchant.endpoint, self._route.egress)
            self._pod.forbidden_merchants.add(self._merchant, forbidden)

    def _own_seconds(self, seconds: float, now: float) -> float:
        # With prefork, where a child process made the call, the stopwatch covers the whole attempt.
        return min(seconds, now - self._stopwatch.began)

    def _refused(self, step: Step, answer: Answer, seconds: float, now: float) -> None:
        bulkhead, merchant = self._pod.bulkhead, self._merchant
        meaning = self._route.table_of(step).meaning(answer)
        if meaning is Meaning.DENIED:
            self._denied(step, answer, now)
            return
        asks, errs = self._asks_to_wait(answer, meaning, now), answer.is_server_error and meaning is not Meaning.SUCCESS
        if errs:
            order = None if answer.server_is_unavailable else self._run.order.id
            bulkhead.server_error(merchant, now, step=step.name, order=order)
        elif not asks:
            bulkhead.answered(merchant, now, self._own_seconds(seconds, now), success=False, step=step.name)

    def _asks_to_wait(self, answer: Answer, meaning: Meaning, now: float) -> bool:
        """Pause the merchant if the answer asks for that, for at most what the route heeds of a Retry-After."""
        if meaning is not Meaning.AGAIN or not self._route.is_paused_by(answer):
            return False
        seconds = None if answer.retry_after is None else min(answer.retry_after, self._route.retry_after_max)
        self._pod.bulkhead.asked_to_wait(self._merchant, now, began=self._stopwatch.began, seconds=seconds)
        return True

    def _denied(self, step: Step, answer: Answer, now: float) -> None:
        """Note a 401, which is about the credentials, or a 403, which may be about the order; none of credentials that
        were replaced meanwhile.
        """
        used = self._run.merchant.credential
        if self._pod.files.current.credentials.get(self._merchant) != used:
            return
        self._pod.bulkhead.credentials_refused(
            self._merchant,
            now,
            credential=used,
            step=step.name,
            began=self._stopwatch.began,
            order=None if answer.status == 401 else self._run.order.id,
        )
