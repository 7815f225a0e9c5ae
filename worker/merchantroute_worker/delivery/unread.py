"""Messages that this pod cannot read yet: a task that its app does not have, a journal of a newer version.

While a release rolls out, or beside a canary, pods of two versions consume orders of one route. What an older one does
not know waits on the ladder, uncounted, until a newer one gets it; for a bounded time, since it may be a mistake.
"""

import logging
import time

from merchantroute_worker.delivery.delivery import Delivery, Stage
from merchantroute_worker.orders import ladder
from merchantroute_worker.orders.envelope import PUBLISHED_AT
from merchantroute_worker.orders.messages import RUNG, UNREAD_SINCE, WAITS, Incoming, forward

log = logging.getLogger(__name__)


def defer_unread(delivery: Delivery, why: str, *, dead_reason: str, explanation: str) -> None:
    """Send a message that this pod cannot read to the ladder, counted as deferred for the reason `why`. Once pods have
    been unable to read it for `MR_UNKNOWN_AFTER`, send it to dead letters for the reason `dead_reason`.
    """
    if not delivery.wait_until_ready():
        return
    pod, message, now = delivery.pod, delivery.incoming, round(time.time() * 1000)
    since = _stamp(message, UNREAD_SINCE, now)
    if now - since >= pod.identity.unknown_after * 1000:
        delivery.dead_letter(dead_reason, explanation)
        return
    key = delivery.unread_key(why)
    if delivery.ack_if_settled(key) or not delivery.advance(Stage.SETTLING):
        return
    log.warning("%s: %s; waiting for a pod that can", why, explanation, extra={"data": delivery.log_fields(why)})
    headers = {
        RUNG: str(ladder.middle(pod.files.current.delays)),
        UNREAD_SINCE: since,
        WAITS: delivery.waits + 1,
        PUBLISHED_AT: _stamp(message, PUBLISHED_AT, now),
    }
    waiting = forward(message, exchange=pod.ladder, headers=headers)
    delivery.publish_then_ack(waiting, key, lambda: pod.outcome_counter.to_ladder("deferred", why))


def _stamp(message: Incoming, name: str, now: int) -> int:
    """A header's time in milliseconds, or now if it is missing or in the future."""
    value = message.headers.get(name)
    return min(value, now) if isinstance(value, int) and value >= 0 else now
