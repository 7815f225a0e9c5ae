"""Converts kombu's delivered message to a plain value."""

from typing import Any

from merchantroute_worker.orders.messages import Incoming, judge
from merchantroute_worker.rabbit.non_utf8 import names_as_text


def incoming(message: Any, front_door: str) -> Incoming:
    """Convert a kombu message. py-amqp decodes a body that names its encoding; it is encoded to bytes again here."""
    body, delivery = message.body, message.delivery_info
    found = Incoming(
        routing_key=delivery.get("routing_key") or "",
        body=_encoded(body, message.content_encoding) if isinstance(body, str) else bytes(body or b""),
        properties=message.properties,
        headers=names_as_text(message.headers or {}),
    )
    return judge(found, exchange=delivery.get("exchange") or "", front_door=front_door)


def _encoded(text: str, encoding: str | None) -> bytes:
    """Encode the text as it was decoded, or as UTF-8: an empty body is text too, whatever encoding it names, and not
    every codec can encode what it has decoded.
    """
    try:
        return text.encode(encoding or "utf-8", "surrogatepass")
    except (LookupError, ValueError):
        return text.encode("utf-8", "surrogatepass")
