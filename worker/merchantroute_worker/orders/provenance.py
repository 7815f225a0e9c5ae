"""Whether a message's journal and counts are a worker's. Pure.

Whoever may publish orders may write anything into a message: a journal whose steps call any path of the merchant with
its credentials, or whose steps are all finished; headers with counts. What nobody can write is the exchange that the
broker names with a delivery: the one that the message was published to, or that a queue dead-lettered it to. Producers
may write to the front door only. Workers, the operator and the command line publish to the exchanges behind it, whose
names begin with the front door's and a dot.

A message that moves on unread (to the suspect lane, to dead letters) comes from such an exchange afterwards, with the
body that its producer wrote. So it carries the header `mr-as-published`.
"""

from merchantroute_worker.orders.envelope import PUBLISHED_AT
from merchantroute_worker.orders.messages import AS_PUBLISHED, Incoming

OWN_PREFIX = "mr-"


def judge(message: Incoming, *, exchange: str, front_door: str) -> Incoming:
    """The message with `as_published` set, and without the headers that are not its producer's to write.

    `exchange` is the one that the broker names. Of our own headers a producer may write `mr-published-at` alone.
    """
    if exchange.startswith(f"{front_door}."):
        return message._replace(as_published=AS_PUBLISHED in message.headers)
    kept = {
        name: value
        for name, value in message.headers.items()
        if not name.startswith(OWN_PREFIX) or name == PUBLISHED_AT
    }
    return message._replace(headers=kept, as_published=True)
