"""One delivered message and the ways to make its outcome safe.

Nothing is acked before its outcome is safe somewhere else: done at the merchant, confirmed on a rung, in the suspect
lane, or in dead letters. A message whose outcome cannot be made safe is held; the broker has it still.
"""

import logging
from collections.abc import Callable
from typing import Any

from merchantroute_worker.orders.messages import DeathReason, Incoming, Outgoing, plain, to_dead
from merchantroute_worker.pod import Hop, Pod
from merchantroute_worker.rabbit.address import ERRORS
from merchantroute_worker.rabbit.non_utf8 import named
from merchantroute_worker.rabbit.publisher import NotEncodable, NotPublished
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
FASTEST_RETRY, SLOWEST_RETRY = 0.1, 5.0


class Delivery:
    """One message. `settling` says that its calls are over and only its outcome is being made safe; `lost` that its
    connection ended, so that it cannot be acked any more; `handed_back` that this happened before its calls were over:
    the broker hands it out again, and what is still done here must have no outcome.
    """

    def __init__(self, pod: Pod, message: Any) -> None:
        self.pod = pod
        self.message = message
        self.incoming = incoming(message)
        self.settling = False
        self.lost = False
        self.handed_back = False

    @property
    def redelivered(self) -> bool:
        """Whether the broker handed this message out before."""
        return bool(self.message.delivery_info.get("redelivered"))

    @property
    def deliveries(self) -> int:
        """How often the message came back from a consumer that did not settle it; clean shutdowns count as well."""
        count = self.incoming.headers.get("x-delivery-count")
        return count if isinstance(count, int) else 0

    def ack(self) -> None:
        """Tell the broker that the message's outcome is safe."""
        self.pod.outcomes.ack(self.message)

    def give_back(self) -> None:
        """Let the broker hand the message out again, and count."""
        try:
            self.message.reject(requeue=True)
        except ERRORS as error:
            log.warning("could not give a message back, its connection will: %s", error)

    def bury(self, reason: str, explanation: str) -> None:
        """Send a message that is no order to dead letters."""
        if not self.may_begin():
            return
        self.settling = True
        # No order, hence no journal to tell its stays apart: its content does, and how often it was replayed.
        replays = self.incoming.headers.get("mr-replays")
        hop = (f"{reason} {self.names(reason)['order']} {replays}", len(self.incoming.body), hash(self.incoming.body))
        if self.redelivered and self.pod.is_settled(hop):
            self.ack()
            return
        log.warning("%s: %s", reason, explanation, extra={"data": self.names(reason)})
        message = to_dead(self.incoming, DeathReason(reason=reason), exchange=self.pod.files.current.dead)
        self.send_on(message, hop, lambda: self.count_dead(reason))

    def may_begin(self) -> bool:
        """Wait until an outcome could be made safe: nothing is begun that could only be held."""
        pod = self.pod
        while not (pod.publisher.open and pod.files.generation):
            if pod.stopping.is_set() or self.lost:
                return False
            pod.files.wait(1.0)
            pod.publisher.wait_open(1.0)
        return not (pod.stopping.is_set() or self.lost)

    def send_on(self, message: Outgoing, hop: Hop, account: Callable[[], None]) -> bool:
        """Publish until it is safe, then ack what came. `account` counts, once it is safe."""
        if not self._publish(message):
            return False
        self.pod.settle(hop)
        account()
        self.ack()
        return True

    def was_settled(self, hop: Hop) -> bool:
        """Whether this stay of the order had its outcome here, and only its ack was lost with a connection."""
        while hop in self.pod.settling:
            sleep(FASTEST_RETRY)
        if not self.pod.is_settled(hop):
            return False
        log.info("order came again after its outcome was safe: acked", extra={"data": {"order": hop[0]}})
        self.ack()
        return True

    def given_up(self) -> bool:
        """Whether an outcome can no more be made safe here: the broker hands the message out again."""
        return self.lost or (self.pod.stopping.is_set() and not self.pod.publisher.open)

    def count_dead(self, reason: str) -> None:
        """One more in dead letters."""
        self.pod.counters.count("dead")
        self.pod.metrics.dead(reason)

    def names(self, reason: str) -> dict[str, Any]:
        """What a log line about this message says of it."""
        order_id = self.incoming.properties.get("correlation_id") or self.incoming.headers.get("id")
        return {"order": order_id, "merchant": self.incoming.routing_key, "reason": reason}

    def _publish(self, message: Outgoing) -> bool:
        """Publish until it is safe. False when the process or the message's connection ends first: the broker hands
        the message out again, and another copy must not be made of it.
        """
        pause = FASTEST_RETRY
        said = None
        while not self.handed_back:
            try:
                self.pod.publisher.publish(message)
                return True
            except NotPublished as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("order is held: %s", error, extra={"data": self.names("held")})
            except NotEncodable as error:
                log.error("headers dropped: %s", error, extra={"data": self.names("headers")})
                message = plain(message)
            if self.given_up():
                return False
            sleep(pause)
            pause = min(pause * 2, SLOWEST_RETRY)
        return False


def incoming(message: Any) -> Incoming:
    """A kombu message as a value. py-amqp decodes a body that names its encoding; here it is bytes again."""
    body = message.body
    return Incoming(
        routing_key=message.delivery_info.get("routing_key") or "",
        body=_encoded(body, message.content_encoding) if isinstance(body, str) else bytes(body or b""),
        properties=message.properties,
        headers=named(message.headers or {}),
    )


def _encoded(text: str, encoding: str | None) -> bytes:
    """An empty body is text too, whatever encoding it names, and not every codec can write what it has read."""
    try:
        return text.encode(encoding or "utf-8", "surrogatepass")
    except (LookupError, ValueError):
        return text.encode("utf-8", "surrogatepass")
