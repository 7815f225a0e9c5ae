"""The messages that this worker publishes, as values: orders for a rung or for dead letters. Pure.

An order keeps its headers, properties and routing key wherever it is published. Headers that the broker or an earlier
publish added are removed: x-death grows without bound, and a CC or BCC header would route copies. A producer's
per-message expiration is removed too: in a lane it would drop the order. So is `compression`: kombu has decompressed
the body.

Whose journal and counts a message carries is told by the exchange that the broker names with its delivery: the one that
it was published to, or that a queue dead-lettered it to. Producers may write to the front door only, but there they may
write anything: a journal whose steps call any path of the merchant with its credentials, headers with counts. Workers,
the operator and the command line publish to the exchanges behind it, whose names begin with the front door's and a dot.
A message that moves on unread comes from there too, with the body that its producer wrote: it carries the header
`mr-as-published`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from merchantroute_worker.orders.envelope import FIRST_SEEN, PUBLISHED_AT, Order
from merchantroute_worker.orders.steps.step import Step

RUNG = "mr-rung"
AS_PUBLISHED = "mr-as-published"
"""Header of a message that was moved unread: its body is a producer's, so a journal in it is not believed."""
UNREAD_SINCE = "mr-unread-since"
"""Header of a message that pods cannot read yet: when the first of them got it, in milliseconds since the epoch."""
WAITS = "mr-waits"
"""Header of an app's own task, or of what is not read yet: how often it waited for its ETA, or for another pod."""
TOO_LARGE = "too-large"
REFUSED_BY_BROKER = "refused-by-broker"
LOST_PROCESSES = "mr-lost-processes"
"""How many child processes ended with the order in the suspect lane, told by the pods that lived on."""
RETURNS = "mr-returns"
"""How often in a row an order was sent at once through the router to its merchant's own queue."""
MOST_RETURNS = 3
"""After so many the order waits on a rung: the router does not lead it to the own queue, which is being closed."""
OWN_PREFIX = "mr-"
_KEPT_PROPERTIES = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "priority", "message_id", "timestamp", "type",
    "app_id",
)  # fmt: skip
_DROPPED_HEADERS = frozenset({
    "CC", "BCC", RUNG, RETURNS, AS_PUBLISHED, UNREAD_SINCE, LOST_PROCESSES, "x-delivery-count", "x-acquired-count",
    "x-delay", "compression",
})  # fmt: skip
_JSON = {"content_type": "application/json", "content_encoding": "utf-8"}
_DROPPED_PREFIXES = ("x-death", "x-first-death-", "x-last-death-")


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message to publish. Orders are mandatory and persistent; pulses and completion records are neither."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Mapping[str, Any]
    headers: Mapping[str, Any]
    mandatory: bool = True


class Incoming(NamedTuple):
    """The parts of a delivered message that an outgoing one is built from. `as_published` means that its body is a
    producer's, so that a journal in it is not believed (see `judge`).
    """

    routing_key: str
    body: bytes
    properties: Mapping[str, Any]
    headers: Mapping[str, Any]
    as_published: bool = False


@dataclass(frozen=True, kw_only=True)
class DeathReason:
    """Why an order is dead: a reason of the closed list, its current step, and the last answer, as class and text."""

    reason: str
    step: str | None = None
    attempts: int = 0
    answer_class: str = "none"
    answer_text: str | None = None


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
    return Incoming(message.routing_key, message.body, message.properties, kept, as_published=True)


def to_rung(message: Incoming, order: Order, steps: tuple[Step, ...], *, exchange: str, rung: int) -> Outgoing:
    """The order for a rung (milliseconds) of the ladder with this headers exchange."""
    headers = {**_headers(message.headers), RUNG: str(rung), **_stamps(order)}
    properties = {**_properties(message.properties), **_JSON, "correlation_id": order.id}
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=order.encode(steps),
        properties=properties,
        headers=headers,
    )


def returns(message: Incoming) -> int:
    """How often in a row the message was sent at once to its merchant's own queue."""
    count = message.headers.get(RETURNS)
    return count if isinstance(count, int) and count >= 0 else 0


def at_once(message: Outgoing, router: str, returned: int) -> Outgoing:
    """A message for a rung, sent through the router instead; it was `returned` so often before."""
    headers = {name: value for name, value in message.headers.items() if name != RUNG}
    return replace(message, exchange=router, headers={**headers, RETURNS: returned + 1})


def to_dead(
    message: Incoming, why: DeathReason, *, exchange: str, order: Order | None = None, steps: tuple[Step, ...] = ()
) -> Outgoing:
    """The order for dead letters; the original body is kept if no order could be parsed from it."""
    kept = _headers(message.headers) if order else _unread_headers(message)
    headers = {**kept, "mr-reason": why.reason, "mr-attempts": why.attempts, "mr-answer-class": why.answer_class}
    if why.answer_text:
        headers["mr-answer"] = why.answer_text
    if why.step:
        headers["mr-step"] = why.step
    if order:
        headers.update(_stamps(order))
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=order.encode(steps) if order else message.body,
        properties={**_properties(message.properties), **(_JSON if order else {})},
        headers=headers,
    )


def to_dead_as_it_came(message: Incoming, refused: Outgoing, reason: str, *, exchange: str) -> Outgoing:
    """The message for dead letters in place of `refused`, an outgoing one that the broker does not take: without what
    it was given here, as the journal that made it too large. If that one was a dead letter already, its reason stays.
    """
    if refused.exchange != exchange:
        return to_dead(message, DeathReason(reason=reason), exchange=exchange)
    mark = {AS_PUBLISHED: True} if message.as_published else {}
    return replace(refused, body=message.body, headers={**refused.headers, **mark})


def to_replay(message: Incoming, *, exchange: str, headers: Mapping[str, Any], body: bytes | None = None) -> Outgoing:
    """A dead letter for another run, with these headers added to those that are kept. A body that is not replaced
    keeps its compression.
    """
    kept = {**(_unread_headers(message) if body is None else _headers(message.headers)), **headers}
    if body is None and "compression" in message.headers:
        kept["compression"] = message.headers["compression"]
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=message.body if body is None else body,
        properties={**_properties(message.properties), **({} if body is None else _JSON)},
        headers=kept,
    )


def forward(message: Incoming, *, exchange: str, headers: Mapping[str, Any] | None = None) -> Outgoing:
    """The message unchanged for another exchange, with these headers added."""
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=message.body,
        properties=_properties(message.properties),
        headers={**_unread_headers(message), **(headers or {})},
    )


def plain(message: Outgoing) -> Outgoing:
    """The message with only the headers that we and Celery need, if AMQP cannot encode the others."""
    kept = {
        name: value
        for name, value in message.headers.items()
        if (name in {"task", "id"} or name.startswith("mr-")) and _is_encodable(value)
    }
    return replace(message, headers=kept)


def _is_encodable(value: Any) -> bool:
    """Whether AMQP can certainly encode it: text, and integers of 64 bits."""
    return isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in headers.items()
        if name not in _DROPPED_HEADERS and not name.startswith(_DROPPED_PREFIXES)
    }


def _unread_headers(message: Incoming) -> dict[str, Any]:
    """The headers of a message whose body is published as it came."""
    kept = _headers(message.headers)
    return {**kept, AS_PUBLISHED: True} if message.as_published else kept


def _stamps(order: Order) -> dict[str, int]:
    stamps = {PUBLISHED_AT: order.published_at, FIRST_SEEN: order.first_seen}
    return {name: round(value * 1000) for name, value in stamps.items() if value is not None}


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: properties[name] for name in _KEPT_PROPERTIES if properties.get(name) is not None}
    return {**kept, "delivery_mode": 2}
