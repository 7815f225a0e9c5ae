"""A delivered message as a value, from kombu's."""

from typing import Any

from merchantroute_worker.orders.messages import Incoming
from merchantroute_worker.rabbit.non_utf8 import names_as_text


def incoming(message: Any) -> Incoming:
    """A kombu message as a value. py-amqp decodes a body that names its encoding; here it is bytes again."""
    body = message.body
    return Incoming(
        routing_key=message.delivery_info.get("routing_key") or "",
        body=_encoded(body, message.content_encoding) if isinstance(body, str) else bytes(body or b""),
        properties=message.properties,
        headers=names_as_text(message.headers or {}),
    )


def _encoded(text: str, encoding: str | None) -> bytes:
    """An empty body is text too, whatever encoding it names, and not every codec can write what it has read."""
    try:
        return text.encode(encoding or "utf-8", "surrogatepass")
    except (LookupError, ValueError):
        return text.encode("utf-8", "surrogatepass")
