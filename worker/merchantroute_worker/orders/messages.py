"""Messages this worker publishes, as values: orders on their way to a rung or to dead letters. Pure.

An order keeps its headers, its properties and its routing key wherever it goes. What the broker or an earlier hop
wrote on it is taken off: x-death grows without bound, and a CC or BCC header would route copies. A producer's
per-message expiration is taken off too: in a lane it would drop the order. So is `compression`: the body left its
compression at our door.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from merchantroute_worker.orders.envelope import FIRST_SEEN, PUBLISHED_AT, Order
from merchantroute_worker.orders.route import Step

RUNG = "mr-rung"
REFUSED = "refused"
"""The rung of a slow merchant's refused orders: each of them says itself how long it waits there."""
_KEPT_PROPERTIES = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "priority", "message_id", "timestamp", "type",
    "app_id",
)  # fmt: skip
_DROPPED_HEADERS = frozenset({"CC", "BCC", RUNG, "x-delivery-count", "x-acquired-count", "x-delay", "compression"})
_JSON = {"content_type": "application/json", "content_encoding": "utf-8"}
_DROPPED_PREFIXES = ("x-death", "x-first-death-", "x-last-death-")


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message. Orders are mandatory and persistent; pulses and completion records are neither."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Mapping[str, Any]
    headers: Mapping[str, Any]
    mandatory: bool = True


class Incoming(NamedTuple):
    """What of a delivered message an outgoing one is made of."""

    routing_key: str
    body: bytes
    properties: Mapping[str, Any]
    headers: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeathReason:
    """Why an order is dead: a reason of the closed list, the step it was at, and the class of the last answer."""

    reason: str
    step: str | None = None
    attempts: int = 0
    answer_class: str = "none"


def to_rung(message: Incoming, order: Order, steps: tuple[Step, ...], *, exchange: str, rung: int) -> Outgoing:
    """The order on its way to a rung (milliseconds) of the ladder whose headers exchange is given."""
    headers = {**_headers(message.headers), RUNG: str(rung), **_stamps(order)}
    properties = {**_properties(message.properties), **_JSON, "correlation_id": order.id}
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=order.encode(steps),
        properties=properties,
        headers=headers,
    )


def paced(message: Outgoing, milliseconds: int | None) -> Outgoing:
    """The message, to wait so long among the refused; with None, on the rung that it has. RabbitMQ takes the expiration
    off when it is over.
    """
    if milliseconds is None:
        return message
    headers = {**message.headers, RUNG: REFUSED}
    return replace(message, headers=headers, properties={**message.properties, "expiration": str(milliseconds)})


def to_dead(
    message: Incoming, why: DeathReason, *, exchange: str, order: Order | None = None, steps: tuple[Step, ...] = ()
) -> Outgoing:
    """The order on its way to dead letters; the body stays as it came where no order could be read from it."""
    headers = {**_headers(message.headers), "mr-reason": why.reason, "mr-attempts": why.attempts}
    headers["mr-answer-class"] = why.answer_class
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


def to_door(message: Incoming, *, exchange: str, headers: Mapping[str, Any], body: bytes | None = None) -> Outgoing:
    """A dead letter on its way through the front door again, with these headers beside those that stay. A body that is
    not written anew stays as it came, with its compression.
    """
    kept = {**_headers(message.headers), **headers}
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
    """The message as it came, on its way to another exchange, with these headers added."""
    return Outgoing(
        exchange=exchange,
        routing_key=message.routing_key,
        body=message.body,
        properties=_properties(message.properties),
        headers={**_headers(message.headers), **(headers or {})},
    )


def plain(message: Outgoing) -> Outgoing:
    """The message with nothing but the headers that we and Celery need, for one whose others AMQP cannot carry."""
    kept = {
        name: value
        for name, value in message.headers.items()
        if (name in {"task", "id"} or name.startswith("mr-")) and _has_a_form(value)
    }
    return replace(message, headers=kept)


def _has_a_form(value: Any) -> bool:
    """Whether AMQP surely can carry it: text, and whole numbers of 64 bits."""
    return isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in headers.items()
        if name not in _DROPPED_HEADERS and not name.startswith(_DROPPED_PREFIXES)
    }


def _stamps(order: Order) -> dict[str, int]:
    stamps = {PUBLISHED_AT: order.published_at, FIRST_SEEN: order.first_seen}
    return {name: round(value * 1000) for name, value in stamps.items() if value is not None}


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: properties[name] for name in _KEPT_PROPERTIES if properties.get(name) is not None}
    return {**kept, "delivery_mode": 2}
