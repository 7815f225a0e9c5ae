"""The broker objects of one route with one tier, declared without the operator.

Their names are those that schema/config-route.json and schema/envelope.json speak of.
"""

import hashlib
from collections.abc import Sequence

import amqp

from merchantroute_kit.servers.vhosts import Vhost

NAMESPACE, ROUTE, TIER = "orders", "pos", "standard"
FRONT = f"mr.{NAMESPACE}.{ROUTE}"
QUEUE = f"{FRONT}.{TIER}.stable"
RETRY = f"{FRONT}.{TIER}.retry"
DEAD = f"{FRONT}.dead"
SUSPECT = f"{FRONT}.suspect"
PULSES = "mr-pulses.test"
COMPLETIONS = "completions"
SOONEST = 1_000
"""The rung, in milliseconds, of orders that got no slot: every tier has it."""


def connect(vhost: Vhost, *, confirm: bool = True) -> amqp.Connection:
    """A connection to the virtual host, with confirmed publishing."""
    connection = amqp.Connection(
        host=f"{vhost.host}:{vhost.port}",
        userid=vhost.username,
        password=vhost.password,
        virtual_host=vhost.name,
        login_method="PLAIN",
        confirm_publish=confirm,
    )
    connection.connect()
    return connection


def declare(vhost: Vhost, delays: Sequence[int], *, lane: bool = True) -> None:
    """The whole route with one tier; without `lane` the queue that workers consume is left out."""
    with connect(vhost) as connection:
        channel = connection.channel()
        _exchanges(channel)
        _safe_queue(channel, DEAD, {"x-delivery-limit": -1})
        channel.queue_bind(DEAD, DEAD)
        for delay in sorted({*delays, SOONEST}):
            name = f"{RETRY}.{delay}"
            _safe_queue(channel, name, {"x-message-ttl": delay, "x-dead-letter-exchange": f"{FRONT}.router"})
            channel.queue_bind(name, RETRY, arguments={"x-match": "all", "mr-rung": str(delay)})
            if delay == max(delays):
                channel.queue_bind(name, f"{RETRY}.last")
        for observed in (COMPLETIONS, PULSES):
            channel.queue_declare(observed, durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})
            channel.queue_bind(observed, observed)
    if lane:
        declare_lane(vhost)


def declare_lane(vhost: Vhost) -> None:
    """The queue that workers consume, bound."""
    with connect(vhost) as connection:
        channel = connection.channel()
        _safe_queue(channel, QUEUE, {"x-dead-letter-exchange": DEAD, "x-delivery-limit": 50})
        channel.queue_bind(QUEUE, QUEUE)


def _exchanges(channel: amqp.Channel) -> None:
    _exchange(channel, QUEUE, "fanout")
    _exchange(channel, f"{FRONT}.{TIER}", "fanout", f"{FRONT}.{TIER}.stable")
    _exchange(channel, f"{FRONT}.fallback", "fanout")
    _exchange(channel, f"{FRONT}.default", "fanout", f"{FRONT}.fallback")
    _exchange(channel, f"{FRONT}.assigned", "direct", f"{FRONT}.default")
    _exchange(channel, f"{FRONT}.router", "direct", f"{FRONT}.assigned")
    _exchange(channel, f"{RETRY}.last", "fanout")
    _exchange(channel, RETRY, "headers", f"{RETRY}.last")
    _exchange(channel, DEAD, "fanout")
    _exchange(channel, COMPLETIONS, "fanout")
    _exchange(channel, PULSES, "fanout")
    _exchange(channel, FRONT, "fanout")
    for source in ("default", "fallback"):
        channel.exchange_bind(destination=f"{FRONT}.{TIER}", source=f"{FRONT}.{source}")
    channel.exchange_bind(destination=f"{FRONT}.router", source=FRONT)


def _exchange(channel: amqp.Channel, name: str, kind: str, alternate: str | None = None) -> None:
    arguments = {"alternate-exchange": alternate} if alternate else {}
    channel.exchange_declare(name, kind, durable=True, auto_delete=False, arguments=arguments)


def _safe_queue(channel: amqp.Channel, name: str, arguments: dict[str, object]) -> None:
    safe = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"}
    if "x-dead-letter-exchange" not in arguments:
        del safe["x-dead-letter-strategy"]
    channel.queue_declare(name, durable=True, auto_delete=False, arguments={**safe, **arguments})


def own_queue(merchant: str) -> str:
    """The name of a merchant's own queue."""
    return f"{FRONT}.own.{hashlib.sha256(merchant.encode()).hexdigest()[:12]}"


def declare_own_queue(channel: amqp.Channel, merchant: str) -> str:
    """A merchant's own queue, not bound yet; gives its name."""
    name = own_queue(merchant)
    arguments = {"x-dead-letter-exchange": DEAD, "x-delivery-limit": 50, "x-merchantroute-merchant": merchant}
    _safe_queue(channel, name, arguments)
    return name


def bind_own_queue(channel: amqp.Channel, merchant: str) -> None:
    """Lead the merchant's orders to its own queue."""
    channel.queue_bind(own_queue(merchant), f"{FRONT}.router", merchant)


def declare_suspect(vhost: Vhost) -> None:
    """The lane for suspect orders."""
    with connect(vhost) as connection:
        channel = connection.channel()
        _exchange(channel, SUSPECT, "fanout")
        _safe_queue(channel, SUSPECT, {"x-dead-letter-exchange": DEAD, "x-delivery-limit": 50})
        channel.queue_bind(SUSPECT, SUSPECT)
