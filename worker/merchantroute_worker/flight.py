"""One delivered message on its way through the pod, in a greenlet of its own, until its outcome is safe.

Nothing is acked before its outcome is safe somewhere else: done at the merchant, confirmed on a rung, or confirmed in
dead letters. A message whose outcome cannot be made safe is held; the broker has it still.
"""

import logging
import random
import time
from typing import Any

import gevent
from gevent import GreenletExit

from merchantroute_worker import decisions, envelope
from merchantroute_worker.answers import Answer
from merchantroute_worker.broker import ERRORS
from merchantroute_worker.bulkhead import Verdict
from merchantroute_worker.calls import Attempt, attempt
from merchantroute_worker.completions import record
from merchantroute_worker.decisions import Done, Run, ToDead, ToLadder
from merchantroute_worker.envelope import Malformed, Order, Undecodable
from merchantroute_worker.outgoing import Incoming, Outgoing, Why, plain, to_dead, to_rung
from merchantroute_worker.pod import Pod
from merchantroute_worker.publisher import NotEncodable, NotPublished
from merchantroute_worker.route import Configuration, Merchant, Step
from merchantroute_worker.steps import UnusableEndpoint

log = logging.getLogger(__name__)
FASTEST_RETRY, SLOWEST_RETRY = 0.1, 5.0


class Flight:
    """One message. `settling` says that its calls are over and only its outcome is being made safe; `lost` that its
    connection ended, so that it cannot be acked any more.
    """

    def __init__(self, pod: Pod, message: Any) -> None:
        self.pod = pod
        self.message = message
        self.incoming = incoming(message)
        self.settling = False
        self.lost = False

    def run(self) -> None:
        """The greenlet. Killed (GreenletExit) it leaves the message to the broker."""
        try:
            if self._may_begin():
                self._read()
        except Exception:
            # Not acked: the broker hands it out again when this connection ends, and counts.
            log.exception("a message is held for an unexpected reason", extra={"data": self._names("error")})

    def _read(self) -> None:
        pod = self.pod
        pod.tally.taken += 1
        route = pod.files.current
        try:
            order = envelope.read(
                body=self.incoming.body,
                headers=self.incoming.headers,
                correlation_id=self.incoming.properties.get("correlation_id"),
                routing_key=self.incoming.routing_key,
            )
            if self.redelivered and self._was_settled(order):
                return
            decision = decisions.before_slot(
                order, self.incoming.headers, route, now=time.time(), unknown_after=pod.identity.unknown_after
            )
        except Undecodable as error:
            self.bury("undecodable", str(error))
        except Malformed as error:
            self.bury("malformed", str(error))
        else:
            self._carry_out(order, decision, route)

    def bury(self, reason: str, explanation: str) -> None:
        """Send a message that is no order to dead letters."""
        if not self._may_begin():
            return
        self.settling = True
        # No order, hence no journal to tell its stays apart: its content does, and how often it was replayed.
        replays = self.incoming.headers.get("mr-replays")
        hop = (f"{reason} {self._names(reason)['order']} {replays}", len(self.incoming.body), hash(self.incoming.body))
        if self.redelivered and self.pod.is_settled(hop):
            self.ack()
            return
        log.warning("%s: %s", reason, explanation, extra={"data": self._names(reason)})
        message = to_dead(self.incoming, Why(reason=reason), exchange=self.pod.files.current.dead)
        if self._publish(message):
            self.pod.settle(hop)
            self.pod.tally.dead += 1
            self.pod.metrics.dead(reason)
            self.ack()

    @property
    def redelivered(self) -> bool:
        """Whether the broker handed this message out before."""
        return bool(self.message.delivery_info.get("redelivered"))

    def ack(self) -> None:
        """Tell the broker that the message's outcome is safe."""
        try:
            self.message.ack()
        except ERRORS as error:
            # Half a frame may be out: end the connection, and the broker hands its messages out again.
            log.warning("could not ack, closing the consuming connection: %s", error)
            connection = getattr(self.message.channel, "connection", None)
            if connection is not None:
                connection.collect()

    def _may_begin(self) -> bool:
        """Wait until an outcome could be made safe: nothing is begun that could only be held."""
        pod = self.pod
        while not (pod.publisher.open and pod.files.generation):
            if pod.stopping.is_set():
                return False
            pod.files.wait(1.0)
            pod.publisher.wait_open(1.0)
        return not pod.stopping.is_set()

    def _carry_out(self, order: Order, decision: Run | ToLadder | ToDead, route: Configuration) -> None:
        final: Any = decision
        if isinstance(decision, Run):
            order = decision.order
            verdict = self.pod.merchants.ask(order.merchant, time.monotonic())
            if verdict is Verdict.ADMIT:
                final = self._attempt(order, decision.merchant, route)
            else:
                final = decisions.refused(order, route, verdict.value)
        self.settling = True
        self.pod.settling.add(order.hop)
        try:
            if isinstance(final, Done):
                self._done(final.order, order.hop)
            elif isinstance(final, ToLadder):
                self._ladder(final, order.hop, route)
            elif isinstance(final, ToDead):
                self._dead(final, order.hop, route)
        finally:
            self.pod.settling.discard(order.hop)

    def _was_settled(self, order: Order) -> bool:
        """Whether this stay of the order had its outcome here, and only its ack was lost with a connection."""
        while order.hop in self.pod.settling:
            gevent.sleep(FASTEST_RETRY)
        if not self.pod.is_settled(order.hop):
            return False
        log.info("order came again after its outcome was safe: acked", extra={"data": {"order": order.id}})
        self.ack()
        return True

    def _attempt(self, order: Order, merchant: Merchant, route: Configuration) -> Done | ToLadder | ToDead:
        pod, watch = self.pod, _Watch(self.pod, order.merchant, self)
        pod.merchants.take(order.merchant, self, time.monotonic())
        pod.tally.begin(time.monotonic())
        try:
            result = attempt(order, merchant, route, pod.client, watch)
            slow = pod.merchants.is_slow(order.merchant, time.monotonic())
        except UnusableEndpoint as error:
            log.error("cannot call the merchant: %s", error, extra={"data": self._names("endpoint")})
            return decisions.refused(order, route, "endpoint")
        except GreenletExit:
            raise
        except Exception:
            log.exception("an attempt failed in an unexpected way", extra={"data": self._names("error")})
            return decisions.refused(order, route, "error")
        finally:
            pod.tally.end(time.monotonic())
            pod.merchants.leave(order.merchant, self)
        pod.tally.finished += 1
        self._log(order, result)
        return decisions.after_attempt(order, result, route, slow=slow, draw=random.random())

    def _done(self, order: Order, hop: tuple[str, int, int]) -> None:
        document = record(self.pod.identity, order, finished_at=time.time(), redelivered=self.redelivered)
        self.pod.completions.write(document)
        self.pod.settle(hop)
        self.pod.tally.done += 1
        self.pod.metrics.done(document["seconds"])
        self.ack()

    def _ladder(self, to: ToLadder, hop: tuple[str, int, int], route: Configuration) -> None:
        message = to_rung(self.incoming, to.order, route.steps, exchange=self.pod.ladder, rung=to.rung)
        if self._publish(message):
            self.pod.settle(hop)
            if to.outcome == "retried":
                self.pod.tally.retried += 1
            else:
                self.pod.tally.refused += 1
            self.pod.metrics.ladder(to.outcome, to.reason)
            self.ack()

    def _dead(self, to: ToDead, hop: tuple[str, int, int], route: Configuration) -> None:
        message = to_dead(self.incoming, to.why, exchange=route.dead, order=to.order, steps=route.steps)
        fields = {"step": to.why.step, "attempts": to.why.attempts, "answer": to.why.answer_class}
        log.warning("order is dead: %s", to.why.reason, extra={"data": {**self._names(to.why.reason), **fields}})
        if self._publish(message):
            self.pod.settle(hop)
            self.pod.tally.dead += 1
            self.pod.metrics.dead(to.why.reason)
            self.ack()

    def _publish(self, message: Outgoing) -> bool:
        """Publish until it is safe. False when the process or the message's connection ends first: the broker hands
        the message out again, and another copy must not be made of it.
        """
        pause = FASTEST_RETRY
        said = None
        while True:
            try:
                self.pod.publisher.publish(message)
                return True
            except NotPublished as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("order is held: %s", error, extra={"data": self._names("held")})
            except NotEncodable as error:
                log.error("headers dropped: %s", error, extra={"data": self._names("headers")})
                message = plain(message)
            if self.lost or (self.pod.stopping.is_set() and not self.pod.publisher.open):
                return False
            gevent.sleep(pause)
            pause = min(pause * 2, SLOWEST_RETRY)

    def _log(self, order: Order, result: Attempt) -> None:
        if result.answer is not None and log.isEnabledFor(logging.INFO):
            step = result.step.name if result.step else None
            fields = {"order": order.id, "merchant": order.merchant, "step": step, "answer": result.answer.label}
            log.info("attempt failed", extra={"data": {**fields, "attempt": order.journal.attempts + 1}})

    def _names(self, reason: str) -> dict[str, Any]:
        order_id = self.incoming.properties.get("correlation_id") or self.incoming.headers.get("id")
        return {"order": order_id, "merchant": self.incoming.routing_key, "reason": reason}


class _Watch:
    """Tells the bulkhead and the metrics of each call."""

    def __init__(self, pod: Pod, merchant: str, slot: object) -> None:
        self._pod, self._merchant, self._slot = pod, merchant, slot

    def begins(self, step: Step) -> None:
        del step
        self._pod.merchants.call(self._merchant, self._slot, time.monotonic())

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        self._pod.metrics.call(step.name, seconds)
        if answer.failure == "timeout":
            self._pod.merchants.timed_out(self._merchant, time.monotonic())
        elif answer.status is not None:
            self._pod.merchants.answered(self._merchant, time.monotonic(), seconds)


def incoming(message: Any) -> Incoming:
    """A kombu message as a value. py-amqp decodes a body that names its encoding; here it is bytes again."""
    body = message.body
    if isinstance(body, str):
        body = body.encode(message.content_encoding or "utf-8", "surrogatepass")
    return Incoming(
        routing_key=message.delivery_info.get("routing_key") or "",
        body=bytes(body or b""),
        properties=message.properties,
        headers=message.headers or {},
    )
