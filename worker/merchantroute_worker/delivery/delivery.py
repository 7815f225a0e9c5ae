"""One delivered message and the ways to settle it.

A message is acked only after its outcome is safe somewhere else: done at the merchant, or confirmed by the broker on a
rung, in the suspect lane or in dead letters. If an outcome cannot be made safe, the message is held unacked, so the
broker still has it.
"""

import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from merchantroute_worker.delivery.held_publish import publish_until_confirmed
from merchantroute_worker.delivery.incoming import incoming
from merchantroute_worker.delivery.suspects import POLL_INTERVAL, judge
from merchantroute_worker.orders.envelope import DeliveryKey, publication
from merchantroute_worker.orders.messages import (
    LOST_PROCESSES,
    REFUSED_BY_BROKER,
    TOO_LARGE,
    WAITS,
    DeathReason,
    Outgoing,
    forward,
    to_dead,
    to_dead_as_it_came,
)
from merchantroute_worker.orders.suspicion import Suspicion, suspicion_alone
from merchantroute_worker.pod import Pod
from merchantroute_worker.rabbit.address import ERRORS
from merchantroute_worker.rabbit.publisher import Refused, TooLarge
from merchantroute_worker.runtime.threads import native_lock, sleep

log = logging.getLogger(__name__)
KILLED_ITS_POD = "killed-its-pod"
_TRANSITION = native_lock()


class Stage(Enum):
    """The stages of a delivery, from its arrival to its ack."""

    WAITING = "waiting"
    CALLING = "calling"
    SETTLING = "settling"
    """Its calls have ended, and its outcome is being made safe."""
    HANDED_BACK = "handed back"
    """The broker delivers the message again, so work that is still running here must produce no outcome."""
    SETTLED = "settled"


class Delivery:
    """One delivered message, not yet read. Its delivery key distinguishes this stay in a queue from every other stay of
    the same order. `redelivered` is the broker's flag: whether it has delivered the message before. `deliveries` is
    its `x-delivery-count`: how often a consumer returned the message without settling it, clean shutdowns included.
    RabbitMQ sets that from the second delivery on; on the first it is a producer's own, and no count.
    """

    def __init__(self, pod: Pod, message: Any) -> None:
        self.pod = pod
        self.message = message
        self.incoming = incoming(message, pod.identity.front_door)
        self.redelivered = bool(message.delivery_info.get("redelivered"))
        self.deliveries = _count(self.incoming.headers.get("x-delivery-count")) if self.redelivered else 0
        self.stage = Stage.WAITING
        self.connection_lost = False
        # What the bulkhead is not asked any more: see `waiting.py`.
        self.from_own_queue = self.admitted = self.beyond_part = False
        self._work_began = 0.0

    @property
    def lost_processes(self) -> int:
        """How many child processes ended with the message in the suspect lane."""
        return _count(self.incoming.headers.get(LOST_PROCESSES))

    def wait_until_ready(self) -> bool:
        """Wait until there is a configuration, and room for an outcome that cannot be published yet; False if the pod
        has to stop while it waits, or the connection is lost.
        """
        pod = self.pod
        while not (pod.files.generation and pod.may_begin):
            if pod.stopping.is_set() or self.connection_lost:
                return False
            if pod.files.wait(1.0):
                pod.publisher.wait_open(1.0)
        return not self.connection_lost

    def dead_letter(self, reason: str, explanation: str) -> None:
        """Send a message that is not an order to dead letters."""
        if not self.wait_until_ready() or not self.advance(Stage.SETTLING):
            return
        key = self.unread_key(reason)
        if self.redelivered and self.pod.is_settled(key):
            self.ack()
            return
        log.warning("%s: %s", reason, explanation, extra={"data": self.log_fields(reason)})
        message = to_dead(self.incoming, DeathReason(reason=reason), exchange=self.pod.files.current.dead)
        self.publish_then_ack(message, key, lambda: self.pod.outcome_counter.dead(reason))

    @property
    def waits(self) -> int:
        """How often the message waited on the ladder because no pod could read it, or for its ETA."""
        return _count(self.incoming.headers.get(WAITS))

    def unread_key(self, reason: str) -> DeliveryKey:
        """Identifies this stay of a message that is not read: without a journal, its content and its counts do."""
        headers, body = self.incoming.headers, self.incoming.body
        what = f"{reason} {self.log_fields(reason)['order']} {headers.get('mr-replays')} {self.waits}"
        return (self.incoming.routing_key, what, publication(headers, body), len(body), hash(body))

    def ack_if_settled(self, key: DeliveryKey) -> bool:
        """Ack a redelivered message whose outcome is already safe; True if it was acked. Only its earlier ack was lost
        with a connection.
        """
        if not self.redelivered:
            return False
        while key in self.pod.settling:
            sleep(POLL_INTERVAL)
        if not self.pod.is_settled(key):
            return False
        log.info(
            "order came again after its outcome was safe: acked", extra={"data": {"order": key[1], "merchant": key[0]}}
        )
        self.ack()
        return True

    def move_if_suspect(self, key: DeliveryKey, why: Callable[[str], DeathReason]) -> bool:
        """Send a suspect order to the suspect lane, or from there to dead letters if it is guilty. False when it may
        run.

        `why` returns the dead letter's details for a given reason.
        """
        if not self.deliveries and not self.pod.identity.alone:
            return False
        verdict = judge(
            self.pod,
            key,
            deliveries=self.deliveries,
            lost_processes=self.lost_processes,
            handed_back=lambda: self.stage is Stage.HANDED_BACK or self.connection_lost,
            log_fields=self.log_fields,
        )
        if verdict is Suspicion.NONE:
            return False
        if verdict is Suspicion.UNEXPLAINED or not self.advance(Stage.SETTLING):
            # Handed back while it waited: the broker delivers it again.
            return True
        # The delivery count distinguishes two stays of an order that are otherwise identical.
        key = (key[0], f"{key[1]} {self.deliveries}", *key[2:])
        if verdict is Suspicion.GUILTY:
            self._settle_as_guilty(key, why)
        else:
            self._settle_as_suspect(key, verdict.value, self.lost_processes)
        return True

    def process_lost(self, key: DeliveryKey, why: Callable[[str], DeathReason]) -> None:
        """The child process that worked on this message alone has died, and this pod lives on: the message is suspect
        at once. In the suspect lane it is guilty after its second child process. A pod that stops leaves it to the
        broker.
        """
        if self.pod.stopping.is_set() or not self.advance(Stage.SETTLING):
            return
        alone = self.pod.identity.alone
        lost = self.lost_processes + 1 if alone else 0
        key = (key[0], f"{key[1]} {self.deliveries} lost {lost}", *key[2:])
        if alone and suspicion_alone(self.deliveries, lost, survived=False) is Suspicion.GUILTY:
            self._settle_as_guilty(key, why)
        else:
            self._settle_as_suspect(key, "process lost", lost)

    def _settle_as_guilty(self, key: DeliveryKey, why: Callable[[str], DeathReason]) -> None:
        log.error("order is dead: %s", KILLED_ITS_POD, extra={"data": self.log_fields(KILLED_ITS_POD)})
        message = to_dead(self.incoming, why(KILLED_ITS_POD), exchange=self.pod.files.current.dead)
        self.publish_then_ack(message, key, lambda: self.pod.outcome_counter.dead(KILLED_ITS_POD))

    def _settle_as_suspect(self, key: DeliveryKey, reason: str, lost_processes: int) -> None:
        log.warning("order is suspect", extra={"data": {**self.log_fields(reason), "count": self.deliveries}})
        message = self._to_suspect_lane(lost_processes)
        self.publish_then_ack(message, key, lambda: self.pod.outcome_counter.to_ladder("deferred", "suspect"))

    def advance(self, stage: Stage) -> bool:
        """Enter the next stage; False if the message was handed back meanwhile, and nothing may come of it here."""
        with _TRANSITION:
            if self.stage is Stage.HANDED_BACK:
                return False
            self.stage = stage
        return True

    def hand_back(self, *, connection_lost: bool) -> bool:
        """Leave the message to the broker unless its calls have ended; True if it was handed back now.

        After a lost connection the message can no longer be acked either.
        """
        self.connection_lost = self.connection_lost or connection_lost
        with _TRANSITION:
            if self.stage not in {Stage.WAITING, Stage.CALLING}:
                return False
            self.stage = Stage.HANDED_BACK
        return True

    def return_to_suspect_lane(self) -> None:
        """Publish the message to the suspect lane as a new one: its pod ended cleanly, so its delivery count starts at
        zero.
        """
        ending = (self.incoming.routing_key, f"ending {self.log_fields('')['order']}", 0, 0, 0)
        self.publish_then_ack(self._to_suspect_lane(self.lost_processes), ending, lambda: None)

    def work_begins(self) -> None:
        """The message's own work begins: its calls, or its task."""
        self._work_began = time.monotonic()
        self.pod.events.received(self.incoming)
        self.pod.events.started(self.incoming)

    @property
    def has_worked(self) -> bool:
        """Whether its work has begun: it did not only go on, to the ladder, to another queue or to dead letters."""
        return self._work_began > 0

    @property
    def work_seconds(self) -> float:
        """Seconds since its work began."""
        return time.monotonic() - self._work_began if self._work_began else 0.0

    def ack(self) -> None:
        """Ack the message, because its outcome is safe."""
        self.stage = Stage.SETTLED
        self.pod.acks.ack(self.message)

    def reject(self, *, requeue: bool = True) -> None:
        """Requeue the message, which increments its delivery count; or have the broker move it to dead letters."""
        try:
            self.message.reject(requeue=requeue)
        except ERRORS as error:
            log.warning("could not give a message back, its connection will: %s", error)

    def publish_then_ack(self, message: Outgoing, key: DeliveryKey, count: Callable[[], None]) -> None:
        """Publish until the broker confirms, then ack the incoming message; `count` is called in between. What the
        broker will never take goes to dead letters instead.
        """
        try:
            with self.pod.holds_outcome(self):
                confirmed = self._publish(message)
        except Refused as error:
            self._settle_as_it_came(message, key, error)
            return
        if confirmed:
            self.pod.remember_settled(key)
            count()
            self.ack()

    def must_give_up(self) -> bool:
        """Whether the outcome can no longer be made safe here, so that the broker has to deliver the message again."""
        return self.connection_lost or (self.pod.stopping.is_set() and not self.pod.publisher.open)

    def log_fields(self, reason: str) -> dict[str, Any]:
        """The JSON fields of a log record about this message."""
        order_id = self.incoming.properties.get("correlation_id") or self.incoming.headers.get("id")
        return {"order": order_id, "merchant": self.incoming.routing_key, "reason": reason}

    def _to_suspect_lane(self, lost_processes: int) -> Outgoing:
        headers = {LOST_PROCESSES: lost_processes} if lost_processes else None
        return forward(self.incoming, exchange=self.pod.files.current.suspect, headers=headers)

    def _settle_as_it_came(self, refused: Outgoing, key: DeliveryKey, why: Refused) -> None:
        """Send the message to dead letters as it came; the broker does, if it does not take that one either: it may
        have grown by being decompressed.
        """
        reason = TOO_LARGE if isinstance(why, TooLarge) else REFUSED_BY_BROKER
        letter = to_dead_as_it_came(self.incoming, refused, reason, exchange=self.pod.files.current.dead)
        reason = letter.headers["mr-reason"]
        log.error("order is dead: %s: %s", reason, why, extra={"data": self.log_fields(reason)})
        try:
            with self.pod.holds_outcome(self):
                if not self._publish(letter):
                    return
        except Refused:
            self.stage = Stage.SETTLED
            self.pod.outcome_counter.dead(reason)
            self.reject(requeue=False)
            return
        self.pod.remember_settled(key)
        self.pod.outcome_counter.dead(reason)
        self.ack()

    def _publish(self, message: Outgoing) -> bool:
        return publish_until_confirmed(
            self.pod.publisher,
            message,
            handed_back=lambda: self.stage is Stage.HANDED_BACK,
            must_give_up=self.must_give_up,
            log_fields=self.log_fields,
        )


def _count(header: object) -> int:
    return header if isinstance(header, int) and header >= 0 else 0
