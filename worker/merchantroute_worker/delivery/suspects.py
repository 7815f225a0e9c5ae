"""Sends suspect orders to the suspect lane, and guilty ones from there to dead letters."""

import logging

from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.orders.messages import DeathReason, Outgoing, forward, to_dead
from merchantroute_worker.orders.suspicion import Suspicion, suspicion
from merchantroute_worker.pod import Hop

log = logging.getLogger(__name__)
REASON = "killed-its-pod"


def set_apart(delivery: Delivery, order_id: str, hop: Hop, guilty: DeathReason) -> bool:
    """Whether the message went elsewhere, for what happened when it was delivered before. `guilty` is what a letter
    would say (REASON).
    """
    pod = delivery.pod
    verdict = suspicion(delivery.deliveries, alone=pod.identity.alone, survived=order_id in pod.held)
    if pod.identity.alone:
        pod.held.add(order_id)
    if verdict is Suspicion.NONE:
        return False
    delivery.settling = True
    # The count of deliveries tells two stays of one order apart that are alike in everything else.
    hop = (f"{hop[0]} {delivery.deliveries}", *hop[1:])
    if verdict is Suspicion.GUILTY:
        log.error("order is dead: %s", REASON, extra={"data": delivery.names(REASON)})
        letter = to_dead(delivery.incoming, guilty, exchange=pod.files.current.dead)
        delivery.send_on(letter, hop, lambda: delivery.count_dead(REASON))
        return True
    log.warning("order is suspect", extra={"data": {**delivery.names(verdict.value), "count": delivery.deliveries}})
    delivery.send_on(anew(delivery), hop, lambda: pod.metrics.ladder("refused", "suspect"))
    return True


def anew(delivery: Delivery) -> Outgoing:
    """The message on its way to the suspect lane: as it came, its count of deliveries at zero."""
    return forward(delivery.incoming, exchange=delivery.pod.files.current.suspect)
