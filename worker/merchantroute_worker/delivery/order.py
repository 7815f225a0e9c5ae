"""The delivery of one order of the built-in task, until its outcome is safe."""

import logging
import random
import time
from dataclasses import replace
from typing import Any

from gevent import GreenletExit

from merchantroute_worker.bulkhead.rule import NO_SLOT, Verdict
from merchantroute_worker.calls.request import UnusableEndpoint
from merchantroute_worker.delivery.call_observer import CallObserver
from merchantroute_worker.delivery.delivery import Stage
from merchantroute_worker.delivery.settlement import BEYOND_PART, Settlement
from merchantroute_worker.delivery.unread import defer_unread
from merchantroute_worker.orders import decisions, envelope
from merchantroute_worker.orders.attempt_result import Attempt, MerchantHealth
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import NewerJournal, Order
from merchantroute_worker.orders.messages import Outgoing, to_dead, to_rung
from merchantroute_worker.orders.outcome import Done, Outcome, ToDead, ToLadder
from merchantroute_worker.orders.route import Route
from merchantroute_worker.orders.task_body import Malformed, Undecodable
from merchantroute_worker.outcomes.completions import order_record
from merchantroute_worker.pod import Pod
from merchantroute_worker.pools.attempt_runners import AttemptRunner, ChildLost

log = logging.getLogger(__name__)


class OrderDelivery(Settlement[Order]):
    """Reads an order, decides, makes its calls and settles it. `runner` makes the calls."""

    def __init__(self, pod: Pod, message: Any, runner: AttemptRunner) -> None:
        super().__init__(pod, message)
        self._runner = runner

    def run(self) -> None:
        """Process the order from its message to its ack. A killed greenlet (GreenletExit) leaves the message to the
        broker.
        """
        try:
            if self.wait_until_ready():
                self._run()
        except Exception:
            # Not acked: the broker redelivers it when this connection ends, and counts the delivery.
            log.exception("a message is held for an unexpected reason", extra={"data": self.log_fields("error")})

    def _run(self) -> None:
        self.pod.counters.count("taken")
        route = self.pod.files.current
        try:
            order = self._read()
            key = order.delivery_key
            if self.ack_if_settled(key) or self.move_if_suspect(
                key, lambda why: decisions.death_reason(order, route, why)
            ):
                return
            # It may have waited to hear of a dead pod, for a new configuration that is.
            route = self.pod.files.current
            decision = self._decide(order, route)
        except Undecodable as error:
            self.dead_letter("undecodable", str(error))
            return
        except NewerJournal as error:
            defer_unread(self, "newer-journal", dead_reason="malformed", explanation=str(error))
            return
        except Malformed as error:
            self.dead_letter("malformed", str(error))
            return
        outcome = self._ask_bulkhead(decision, route) if isinstance(decision, Run) else decision
        if outcome is not None:
            self.settle(outcome, key)

    def _read(self) -> Order:
        correlation_id = self.incoming.properties.get("correlation_id")
        if not correlation_id:
            self.pod.metrics.without_correlation_id()
        order = envelope.read(
            body=self.incoming.body,
            headers=self.incoming.headers,
            correlation_id=correlation_id,
            routing_key=self.incoming.routing_key,
            as_published=self.incoming.as_published,
        )
        if order.journal_ignored:
            log.warning("a producer wrote a journal: the order begins anew", extra={"data": self.log_fields("journal")})
        return order

    def _decide(self, order: Order, route: Route) -> Run | ToLadder[Order] | ToDead[Order]:
        return decisions.before_slot(
            order,
            self.incoming.headers,
            route,
            now=time.time(),
            unknown_after=self.pod.identity.unknown_after,
            # Not by the count alone: RabbitMQ 4.3 counts no delivery that timed out.
            may_have_run=self.redelivered or self.deliveries > 0 or self.pod.identity.alone,
        )

    def _ask_bulkhead(self, run: Run, route: Route) -> Outcome[Order] | None:
        if self.admitted:
            return self._attempt(run, route)
        if self.is_for_own_queue:
            return decisions.refused(run.order, route, BEYOND_PART, at_once=self.goes_at_once)
        bulkhead, merchant, now = self.pod.bulkhead, run.order.merchant, self.pod.clock.now()
        verdict = bulkhead.decide(merchant, now, own_queue=self.from_own_queue)
        if verdict is Verdict.ADMIT:
            return self._attempt(run, route)
        if verdict in NO_SLOT:
            return decisions.refused(run.order, route, verdict.value, at_once=self.goes_at_once)
        return decisions.waits(run.order, route, verdict.value, wait=bulkhead.refusals.wait(merchant, now))

    def _attempt(self, run: Run, route: Route) -> Outcome[Order] | None:
        """Make the calls; None when nothing is left to settle, since the child process or the connection was lost."""
        pod, order = self.pod, run.order
        if not self.advance(Stage.CALLING):
            return None
        self.work_begins()
        trace = pod.tracer.order(order.id, order.merchant, order.journal.attempts + 1, order.trace)
        observer, context = CallObserver(pod, run, route, self, trace), trace.context()
        if context is not order.trace:
            order = replace(order, trace=context)
        steps = order.journal.steps or run.merchant.steps or route.steps
        pod.bulkhead.acquire(order.merchant, self, pod.clock.now(), timeout=self._runner.timeout(route, steps))
        pod.counters.begin_attempt(time.monotonic())
        try:
            result = self._runner.attempt(order, run.merchant, route, observer)
            health = self._health(run, result, route)
        except UnusableEndpoint as error:
            log.error("cannot call the merchant: %s", error, extra={"data": self.log_fields("endpoint")})
            return decisions.deferred(order, route, "endpoint")
        except GreenletExit:
            raise
        except ChildLost as error:
            log.error("a process was lost with its order: %s", error, extra={"data": self.log_fields("lost")})
            self.process_lost(order.delivery_key, lambda why: decisions.death_reason(order, route, why))
            return None
        except Exception:
            log.exception("an attempt failed in an unexpected way", extra={"data": self.log_fields("error")})
            return decisions.deferred(order, route, "error")
        finally:
            pod.counters.end_attempt(time.monotonic())
            pod.bulkhead.release(order.merchant, self, pod.clock.now())
            trace.close()
        pod.counters.count("finished")
        self._log(order, result)
        return decisions.after_attempt(order, result, route, health=health, draw=random.random(), now=time.time())

    def _health(self, run: Run, result: Attempt, route: Route) -> MerchantHealth:
        bulkhead, merchant = self.pod.bulkhead, run.merchant
        if result.problem is not None:
            return MerchantHealth()  # it was not called
        answer, now = result.answer, self.pod.clock.now()
        bulkhead.attempted(
            merchant.id,
            failed=answer is not None and answer.is_merchants_failure,
            limited_at=now if route.is_rate_limit(answer, result.step) else None,
        )
        if answer is None:
            bulkhead.refusals.accepted(merchant.id)
            return MerchantHealth()
        health = bulkhead.health(merchant.id, now)
        replaced = self.pod.files.current.credentials.get(merchant.id) != merchant.credential
        return health._replace(credentials_refused=True) if replaced else health

    def record(self, done: Done[Order]) -> dict[str, Any]:
        """See `Settlement`."""
        return order_record(self.pod.identity, done.order, finished_at=time.time(), redelivered=self.redelivered)

    def rung_message(self, to: ToLadder[Order]) -> Outgoing:
        """See `Settlement`."""
        steps = self.pod.files.current.steps_of(to.order.merchant)
        return to_rung(self.incoming, to.order, steps, exchange=self.pod.ladder, rung=to.rung)

    def dead_message(self, to: ToDead[Order]) -> Outgoing:
        """See `Settlement`."""
        route = self.pod.files.current
        steps = route.steps_of(to.order.merchant)
        return to_dead(self.incoming, to.why, exchange=route.dead, order=to.order, steps=steps)

    def _log(self, order: Order, result: Attempt) -> None:
        if result.problem is not None:
            step = result.step.name if result.step else None
            fields = {"order": order.id, "merchant": order.merchant, "step": step, "problem": result.problem}
            log.warning("an order has no request", extra={"data": fields})
        if result.answer is not None and log.isEnabledFor(logging.INFO):
            step = result.step.name if result.step else None
            fields = {"order": order.id, "merchant": order.merchant, "step": step, "answer": result.answer.label}
            more = {"answerText": result.answer.text, "attempt": order.journal.attempts + 1}
            log.info("attempt failed", extra={"data": {**fields, **more}})
