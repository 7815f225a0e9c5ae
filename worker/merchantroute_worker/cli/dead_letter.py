"""A dead letter as a value, read from its message: order, merchant, reason and times. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from merchantroute_worker.orders.envelope import PUBLISHED_AT
from merchantroute_worker.orders.messages import Incoming, judge
from merchantroute_worker.rabbit.non_utf8 import names_as_text

REASON, STEP, ATTEMPTS, ANSWER = "mr-reason", "mr-step", "mr-attempts", "mr-answer-class"
ANSWER_TEXT = "mr-answer"
REPLAYS, FIRST_PUBLISHED_AT, REFUSALS = "mr-replays", "mr-first-published-at", "mr-refusals"
DELIVERY_LIMIT, UNKNOWN = "delivery-limit", "unknown"
BY_THE_BROKER = "broker-"
"""Prefix of the reason of a letter that RabbitMQ dead-lettered for another cause, say `broker-rejected`."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One dead letter. `tag` is its delivery tag on the channel that delivered it; `published_at` is epoch seconds."""

    tag: int
    id: str | None
    merchant: str
    reason: str
    step: str | None
    attempts: int | None
    answer: str | None
    published_at: float | None
    replays: int
    refusals: int
    """Refusals of an app's own task; an order has them in its journal."""
    message: Incoming = field(repr=False)


def read(*, tag: int, routing_key: str, body: bytes, properties: Mapping[str, Any], front_door: str) -> DeadLetter:
    """Read any message of the dead-letter queue: no header or property is required. `properties` are py-amqp's."""
    message = Incoming(
        routing_key=routing_key,
        body=body,
        properties={name: value for name, value in properties.items() if name != "application_headers"},
        headers=names_as_text(properties.get("application_headers") or {}),
    )
    message = judge(message, exchange=_exchange_before_death(message.headers, front_door), front_door=front_door)
    headers = message.headers
    return DeadLetter(
        tag=tag,
        id=_text(properties.get("correlation_id")) or _text(headers.get("id")),
        merchant=routing_key,
        reason=_reason(headers),
        step=_text(headers.get(STEP)),
        attempts=_number(headers.get(ATTEMPTS)),
        answer=_text(headers.get(ANSWER)),
        published_at=_published_at(headers, properties),
        replays=_number(headers.get(REPLAYS)) or 0,
        refusals=_number(headers.get(REFUSALS)) or 0,
        message=message,
    )


def _exchange_before_death(headers: Mapping[str, Any], front_door: str) -> str:
    """The exchange that the message was published to. Workers remove x-death: with it, RabbitMQ dead-lettered the
    message from a lane, without a worker; otherwise a worker published it to the route's dead letters.
    """
    if "x-death" not in headers:
        return f"{front_door}.dead"
    latest = _latest_death(headers)
    return _text(latest.get("exchange")) or ""


def _reason(headers: Mapping[str, Any]) -> str:
    """The worker's reason, or RabbitMQ's where it dead-lettered the order: `x-death` lists the latest death first."""
    if reason := _text(headers.get(REASON)):
        return reason
    cause = _text(_latest_death(headers).get("reason"))
    if cause is None:
        return UNKNOWN
    return DELIVERY_LIMIT if cause == "delivery_limit" else BY_THE_BROKER + cause.replace("_", "-")


def _latest_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    deaths = headers.get("x-death")
    latest = deaths[0] if isinstance(deaths, list) and deaths else None
    return latest if isinstance(latest, Mapping) else {}


def _published_at(headers: Mapping[str, Any], properties: Mapping[str, Any]) -> float | None:
    """The header `mr-published-at`, or the producer's `timestamp` on an order that no worker has read."""
    stamp = _number(headers.get(PUBLISHED_AT))
    if stamp is not None:
        return stamp / 1000
    given = properties.get("timestamp")
    return given.replace(tzinfo=UTC).timestamp() if isinstance(given, datetime) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
