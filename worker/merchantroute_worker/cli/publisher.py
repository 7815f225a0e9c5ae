"""Publishes to a route's exchange: mandatory, confirmed, one message at a time. Without a confirm it is a Problem."""

from contextlib import suppress
from time import monotonic

import amqp
from amqp import spec
from amqp.exceptions import ChannelError, NotFound, error_for_code

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.orders.messages import Outgoing, plain
from merchantroute_worker.rabbit.confirms import Confirm, Confirms
from merchantroute_worker.rabbit.packed_message import NotEncodable, PackedMessage
from merchantroute_worker.rabbit.publish_channel import PublishChannel

CONFIRM = 30.0  # seconds
NOT_FOUND = 404
_REST = "nothing is lost, what was not replayed is still in dead letters; run the same command again afterwards"


class ExchangePublisher:
    """Publishes to one exchange, on a connection of its own: RabbitMQ without memory or disk stops reading from
    connections that publish, and would not read acks there either. The exchange and `open_if` must exist.
    """

    def __init__(self, connection: amqp.Connection, exchange: str, *, open_if: str) -> None:
        self.exchange = exchange
        self._connection = connection
        connection.on_blocked = self._block
        connection.on_unblocked = self._unblock
        self._blocked = ""
        self._beat = monotonic()
        self._open_if = open_if
        for name in dict.fromkeys((open_if, exchange)):
            self._check_exchange(name)
        self._confirms = Confirms()
        self._channel = PublishChannel.opened(connection, self._confirms)

    def publish(self, message: Outgoing) -> None:
        """Publish, and return when the broker has confirmed that a queue holds the message. Problem when it has not."""
        order_id = str(message.properties.get("correlation_id"))
        try:
            content = _packed(message)
        except NotEncodable:
            raise Problem(f"the order {order_id} cannot be written as AMQP; {_REST}") from None
        answers: list[str | None] = []
        confirm = Confirm((message.exchange, message.routing_key, order_id), answers.append)
        self._confirms.add(confirm)
        self._channel.publish(content, message.exchange, message.routing_key)
        self._wait(answers)
        if confirm.returned:
            raise Problem(
                f"no queue behind {self.exchange} takes orders of {message.routing_key!r} (returned as "
                f"unroutable): is the route Ready? {_REST}"
            )
        if answers[0]:
            raise Problem(f"the broker could not store an order that {self.exchange} leads to: {_REST}")

    def keep_alive(self) -> None:
        """Keep the connection's heartbeat while nothing is published. Problem when `open_if` has gone: a route that is
        being deleted closes its front door first.
        """
        if monotonic() - self._beat < 1.0:
            return
        self._beat = monotonic()
        with suppress(TimeoutError, BlockingIOError):
            self._connection.drain_events(timeout=0)
        self._connection.heartbeat_tick()
        if not self._blocked:
            self._check_exchange(self._open_if)

    def _wait(self, answers: list[str | None]) -> None:
        """Read until there is an answer. Problem without one; py-amqp's error where the broker closes the channel."""
        end = monotonic() + CONFIRM
        while not answers and not self._channel.closed:
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=max(0.01, end - monotonic()))
            if not answers and monotonic() > end:
                state = f"blocks publishing ({self._blocked})" if self._blocked else "confirmed nothing"
                raise Problem(f"the broker {state}, for {CONFIRM:g} s: {_REST}")
        if answers or not self._channel.closed:
            return
        code, text = self._channel.closed
        if code == NOT_FOUND:
            raise Problem(_no_exchange(self.exchange))
        raise error_for_code(code, text, spec.Basic.Publish, ChannelError)

    def _check_exchange(self, name: str) -> None:
        try:
            with self._connection.channel() as channel:
                channel.exchange_declare(name, "fanout", passive=True)
        except NotFound:
            raise Problem(_no_exchange(name)) from None

    def _block(self, reason: str) -> None:
        self._blocked = reason

    def _unblock(self) -> None:
        self._blocked = ""


def _no_exchange(name: str) -> str:
    return (
        f"there is no exchange {name}: the route's front door is open only while it is Ready "
        f"(`kubectl get mr -A`); {_REST}, or name another exchange with --to"
    )


def _packed(message: Outgoing) -> PackedMessage:
    """The AMQP message; without an application's own headers where AMQP cannot carry one of them."""
    try:
        return PackedMessage(message.body, message.headers, **message.properties)
    except NotEncodable:
        plainer = plain(message)
        return PackedMessage(plainer.body, plainer.headers, **plainer.properties)
