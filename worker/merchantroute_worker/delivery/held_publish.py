"""Publishes an outcome, again and again until the broker confirms it; meanwhile its message is held unacked."""

import logging
from collections.abc import Callable
from typing import Any

from merchantroute_worker.orders.messages import Outgoing, plain
from merchantroute_worker.rabbit.packed_message import NotEncodable
from merchantroute_worker.rabbit.publisher import ALONE, ORDERS, NotPublished, PerhapsRefused, Publisher
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
FASTEST_RETRY, SLOWEST_RETRY = 0.1, 5.0


def publish_until_confirmed(
    publisher: Publisher,
    message: Outgoing,
    *,
    handed_back: Callable[[], bool],
    must_give_up: Callable[[], bool],
    log_fields: Callable[[str], dict[str, Any]],
) -> bool:
    """Retry until the broker confirms; Refused if it never will. False when the process or the message's connection
    ends first: the broker delivers the message again then, and a second copy must not be published.
    """
    pause, kind = FASTEST_RETRY, ORDERS
    last_error = None
    while not handed_back():
        try:
            publisher.publish(message, kind, lambda: handed_back() or must_give_up())
            return True
        except NotPublished as error:
            kind = ALONE if isinstance(error, PerhapsRefused) else kind
            if str(error) != last_error:
                last_error = str(error)
                log.warning("order is held: %s", error, extra={"data": log_fields("held")})
        except NotEncodable as error:
            log.error("headers dropped: %s", error, extra={"data": log_fields("headers")})
            message = plain(message)
        if must_give_up():
            return False
        sleep(pause)
        pause = min(pause * 2, SLOWEST_RETRY)
    return False
