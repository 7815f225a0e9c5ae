"""One order of the built-in task on its way through the pod, until its outcome is safe."""

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import replace

from gevent import GreenletExit

from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.calls.attempt import Attempt
from merchantroute_worker.calls.request import UnusableEndpoint
from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.delivery.suspects import REASON, set_apart
from merchantroute_worker.orders import decisions, envelope
from merchantroute_worker.orders.answers import UNREACHABLE, Answer
from merchantroute_worker.orders.decisions import Done, Run, ToDead, ToLadder
from merchantroute_worker.orders.envelope import Malformed, Order, Undecodable
from merchantroute_worker.orders.messages import paced, to_dead, to_rung
from merchantroute_worker.orders.route import Merchant, Route, Step
from merchantroute_worker.outcomes.completions import record
from merchantroute_worker.pod import Hop, Pod
from merchantroute_worker.pools.attempt_runners import AttemptRunner, ChildLost
from merchantroute_worker.runtime.clock import Stopwatch
from merchantroute_worker.telemetry.tracing import OrderTrace

log = logging.getLogger(__name__)


class OrderDelivery(Delivery):
    """One order."""

    caller: AttemptRunner

    def run(self) -> None:
        """The whole way. Killed (GreenletExit) it leaves the message to the broker."""
        try:
            if self.may_begin():
                self._read()
        except Exception:
            # Not acked: the broker hands it out again when this connection ends, and counts.
            log.exception("a message is held for an unexpected reason", extra={"data": self.names("error")})

    def _read(self) -> None:
        pod = self.pod
        pod.counters.count("taken")
        route = pod.files.current
        if not self.incoming.properties.get("correlation_id"):
            pod.metrics.anonymous()
        try:
            order = envelope.read(
                body=self.incoming.body,
                headers=self.incoming.headers,
                correlation_id=self.incoming.properties.get("correlation_id"),
                routing_key=self.incoming.routing_key,
            )
            if (self.redelivered and self.was_settled(order.hop)) or self._is_suspect(order, route):
                return
            decision = decisions.before_slot(
                order,
                self.incoming.headers,
                route,
                now=time.time(),
                unknown_after=pod.identity.unknown_after,
                came_back=self.deliveries > 0 or pod.identity.alone,
            )
        except Undecodable as error:
            self.bury("undecodable", str(error))
        except Malformed as error:
            self.bury("malformed", str(error))
        else:
            self._carry_out(order, decision, route)

    def _is_suspect(self, order: Order, route: Route) -> bool:
        if not self.deliveries and not self.pod.identity.alone:
            return False
        return set_apart(self, order.id, order.hop, decisions.why(order, route, REASON))

    def _carry_out(self, order: Order, decision: Run | ToLadder | ToDead, route: Route) -> None:
        final: Done | ToLadder | ToDead | None
        if isinstance(decision, Run):
            order = decision.order
            verdict = self.pod.bulkhead.decide(order.merchant, self.pod.clock.now())
            if verdict is Verdict.ADMIT:
                final = self._attempt(order, decision.merchant, route)
            else:
                final = decisions.refused(order, route, verdict.value)
        else:
            final = decision
        if final is None or self.handed_back:
            return
        self.settling = True
        self.pod.settling.add(order.hop)
        try:
            if isinstance(final, Done):
                self._done(final.order, order.hop)
            elif isinstance(final, ToLadder):
                self._ladder(final, order.hop, route)
            else:
                self._dead(final, order.hop, route)
        finally:
            self.pod.settling.discard(order.hop)

    def _attempt(self, order: Order, merchant: Merchant, route: Route) -> Done | ToLadder | ToDead | None:
        """The calls; None when they took their process with them, and the broker has to say what comes next."""
        pod = self.pod
        trace = pod.tracer.order(order.id, order.merchant, order.journal.attempts + 1, order.trace)
        watch, context = _CallObserver(self.pod, order.merchant, self, trace), trace.context()
        if context is not order.trace:
            order = replace(order, trace=context)
        pod.bulkhead.acquire(order.merchant, self, pod.clock.now())
        pod.counters.begin(time.monotonic())
        try:
            result = self.caller.attempt(order, merchant, route, watch)
            # Of an attempt that made all its calls nothing depends on it.
            slow = result.answer is not None and pod.bulkhead.is_slow(order.merchant, pod.clock.now())
        except UnusableEndpoint as error:
            log.error("cannot call the merchant: %s", error, extra={"data": self.names("endpoint")})
            return decisions.refused(order, route, "endpoint")
        except GreenletExit:
            raise
        except ChildLost as error:
            log.error("a process was lost with its order: %s", error, extra={"data": self.names("lost")})
            pod.held.discard(order.id)
            self.give_back()
            return None
        except Exception:
            log.exception("an attempt failed in an unexpected way", extra={"data": self.names("error")})
            return decisions.refused(order, route, "error")
        finally:
            pod.counters.end(time.monotonic())
            pod.bulkhead.release(order.merchant, self, pod.clock.now())
            trace.close()
        pod.counters.count("finished")
        self._log(order, result)
        return decisions.after_attempt(order, result, route, slow=slow, draw=random.random(), now=time.time())

    def _done(self, order: Order, hop: Hop) -> None:
        document = record(self.pod.identity, order, finished_at=time.time(), redelivered=self.redelivered)
        if not self.pod.completions.write(document, self.given_up):
            return
        self.pod.settle(hop)
        self.pod.counters.count("done")
        self.pod.metrics.done(document["seconds"])
        self.ack()

    def _ladder(self, to: ToLadder, hop: Hop, route: Route) -> None:
        def account() -> None:
            self.pod.counters.count("retried" if to.outcome == "retried" else "refused")
            self.pod.metrics.ladder(to.outcome, to.reason)

        message = to_rung(self.incoming, to.order, route.steps, exchange=self.pod.ladder, rung=to.rung)
        if (to.outcome, to.reason) == ("refused", Verdict.SLOW.value):
            message = paced(message, self.pod.pace_of(to.order.merchant, route))
        self.send_on(message, hop, account)

    def _dead(self, to: ToDead, hop: Hop, route: Route) -> None:
        message = to_dead(self.incoming, to.why, exchange=route.dead, order=to.order, steps=route.steps)
        fields = {"step": to.why.step, "attempts": to.why.attempts, "answer": to.why.answer_class}
        log.warning("order is dead: %s", to.why.reason, extra={"data": {**self.names(to.why.reason), **fields}})
        self.send_on(message, hop, lambda: self.count_dead(to.why.reason))

    def _log(self, order: Order, result: Attempt) -> None:
        if result.answer is not None and log.isEnabledFor(logging.INFO):
            step = result.step.name if result.step else None
            fields = {"order": order.id, "merchant": order.merchant, "step": step, "answer": result.answer.label}
            log.info("attempt failed", extra={"data": {**fields, "attempt": order.journal.attempts + 1}})


class _CallObserver:
    """Tells the bulkhead, the metrics and the trace of each call."""

    def __init__(self, pod: Pod, merchant: str, slot: object, trace: OrderTrace) -> None:
        self._pod, self._merchant, self._slot, self._trace = pod, merchant, slot, trace
        self._stopwatch = Stopwatch(pod.clock)

    def begins(self, step: Step) -> Mapping[str, str]:
        self._stopwatch = Stopwatch(self._pod.clock)
        self._pod.bulkhead.begin_call(self._merchant, self._slot, self._stopwatch.began)
        return self._trace.begins(step.name)

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        self._trace.ended(answer)
        self._pod.metrics.call(step.name, answer.label, seconds)
        bulkhead, now = self._pod.bulkhead, self._pod.clock.now()
        if answer.failure == "timeout":
            if not self._stopwatch.was_stalled():
                bulkhead.timed_out(self._merchant, now)
        elif answer.failure in UNREACHABLE:
            bulkhead.failed(self._merchant)
        elif answer.status is not None:
            # Where a process of its own made the call, the stopwatch is that of the whole attempt.
            own = min(seconds, now - self._stopwatch.began)
            bulkhead.answered(self._merchant, now, own, success=answer.succeeded)
