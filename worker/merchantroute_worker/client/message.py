"""An order as a Celery message (protocol 2, JSON), as docs/producing.md has it. Pure.

Input that cannot be published is refused here, before anything is sent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from merchantroute_worker.client.results import BadOrder
from merchantroute_worker.rabbit.packed_message import NotEncodable, PackedMessage

TASK = "merchantroute.order"
PUBLISHED_AT = "mr-published-at"
LONGEST_NAME = 255
# A content header is one frame, of at most 131,064 bytes, and the broker and workers add headers of their own.
LONGEST_HEADERS = 64 * 1024
_CELERYS = frozenset({
    "task", "id", "lang", "root_id", "parent_id", "group", "group_index", "meth", "shadow", "eta", "expires", "retries",
    "timelimit", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamps",
    "stamped_headers", "compression",
})  # fmt: skip
_ROUTED_BY = frozenset({"CC", "BCC"})
# What RabbitMQ writes or obeys itself: on redelivery, on dead-lettering, in delayed exchanges, across federated brokers
# and shovels. Any other `x-` header is the application's own, such as X-Request-ID.
_BROKERS = frozenset({
    "x-death", "x-delivery-count", "x-acquired-count", "x-delay", "x-received-from", "x-shovelled",
    "x-shovelled-timestamp",
})  # fmt: skip
_BROKERS_PREFIXES = ("x-first-death-", "x-last-death-", "x-opt-")


@dataclass(frozen=True)
class Order:
    """One order of a batch, with all that `publish` takes.

    `merchant` and `order_id` come from the order's own fields `merchant` and `id` where they are not given.
    `eta` and `expires` need a time zone. `headers` are the application's own.
    """

    order: Mapping[str, Any]
    merchant: str | None = None
    order_id: str | None = None
    eta: datetime | None = None
    expires: datetime | None = None
    headers: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """An order, or an app's own task, as it is published, the same at every attempt.

    `published_at` is milliseconds since the epoch; `properties` are further AMQP properties, by py-amqp's names.
    """

    order_id: str
    merchant: str
    published_at: int
    body: bytes
    headers: Mapping[str, Any]
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def packed(self) -> PackedMessage:
        """The AMQP message, packed once for all attempts.

        Up to Python 3.11 functools.cached_property has a lock, which a child of a fork would inherit as it was: locked
        for ever if another thread was packing.
        """
        kept: PackedMessage | None = self.__dict__.get("_packed")
        if kept is None:
            properties = {
                **self.properties,
                "content_type": self.content_type,
                "content_encoding": self.content_encoding,
                "correlation_id": self.order_id,
                "delivery_mode": 2,
            }
            kept = self.__dict__["_packed"] = PackedMessage(self.body, self.headers, **properties)
        return kept


def write(order: Order, *, now: float, new_id: Callable[[], str]) -> Message:
    """Make the order's message. `now` is seconds since the epoch; `new_id` gives an id to an order without one.

    Raises:
        BadOrder: the text says what to change.
    """
    if not isinstance(order.order, Mapping):
        raise BadOrder(f"an order must be a JSON object (a dict), this is {type(order.order).__name__}")
    payload = dict(order.order)
    merchant: Any = order.merchant if order.merchant is not None else payload.get("merchant")
    order_id = _order_id(order.order_id, payload, new_id)
    _check_names(merchant, order_id)
    published_at = int(now * 1000)
    return checked(
        Message(
            order_id=order_id,
            merchant=merchant,
            published_at=published_at,
            body=_body(payload),
            headers=headers(order, order_id=order_id, published_at=published_at),
        )
    )


def checked(message: Message) -> Message:
    """Give the message, which AMQP can carry.

    Raises:
        BadOrder: it cannot; the text says what to change.
    """
    _check_names(message.merchant, message.order_id)
    _check_headers(message)
    return message


def headers(order: Order, *, order_id: str, published_at: int) -> dict[str, Any]:
    """All headers of an order's message: Celery's, MerchantRoute's, and the application's own."""
    own: dict[Any, Any] = dict(order.headers or {})
    for name in own:
        if not isinstance(name, str) or name in _CELERYS or is_reserved(name):
            raise BadOrder(f"the header {name!r} belongs to Celery, RabbitMQ or MerchantRoute: give yours another name")
    return {
        **own,
        "lang": "py",
        "task": TASK,
        "id": order_id,
        "root_id": order_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "eta": _moment("eta", order.eta),
        "expires": _moment("expires", order.expires),
        "timelimit": [None, None],
        PUBLISHED_AT: published_at,
    }


def is_reserved(name: str) -> bool:
    """Whether a header is RabbitMQ's or MerchantRoute's, so that no application may set it."""
    lower = name.lower()
    return name in _ROUTED_BY or lower in _BROKERS or lower.startswith(("mr-", *_BROKERS_PREFIXES))


def _order_id(given: str | None, payload: Mapping[str, Any], new_id: Callable[[], str]) -> Any:
    if given is not None:
        return given
    own = payload.get("id")
    if own is None:
        return new_id()
    return str(own) if isinstance(own, int) and not isinstance(own, bool) else own


def _check_names(merchant: Any, order_id: Any) -> None:
    _check_name("merchant", merchant, "`merchant`")
    _check_name("order_id", order_id, "`id`")


def _check_name(what: str, value: Any, of_the_order: str) -> None:
    if not isinstance(value, str) or not value:
        raise BadOrder(f"{what} must be a text that is not empty: give {what}=, or the order a field {of_the_order}")
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise BadOrder(f"{what} is not valid Unicode: {value!a:.80}") from None
    if value in (".", ".."):
        raise BadOrder(
            f"{what} is {value!r}, which as a part of a merchant's URL is another place: give it another name"
        )
    if length > LONGEST_NAME:
        raise BadOrder(f"{what} has {length} bytes in UTF-8, AMQP carries {LONGEST_NAME} at most: {value:.40}…")


def _body(payload: dict[str, Any]) -> bytes:
    try:
        text = json.dumps([[], {"order": payload}, {}], allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadOrder(f"the order is not JSON: {error}") from None
    return text.encode("ascii")


def _moment(what: str, moment: Any) -> str | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise BadOrder(f"{what} must be a datetime with a time zone, as datetime.now(UTC) + timedelta(minutes=5)")
    return moment.isoformat()


def _check_headers(message: Message) -> None:
    try:
        size = len(message.packed.packed)
    except NotEncodable as error:
        raise BadOrder(f"AMQP has no form for one of the headers: {error}") from None
    if size > LONGEST_HEADERS:
        raise BadOrder(f"the headers have {size} bytes, {LONGEST_HEADERS} at most: keep data in the order itself")
