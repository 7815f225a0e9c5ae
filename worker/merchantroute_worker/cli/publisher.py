"""Publishes through the front door: mandatory, confirmed, one at a time. What is not known to be safe is a Problem."""

import struct
from contextlib import suppress
from time import monotonic

import amqp
from amqp.exceptions import AMQPError, ChannelError, MessageNacked, NotFound

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.orders.messages import Outgoing, plain

CONFIRM = 30.0  # seconds
_REST = "nothing is lost, what was not replayed is still in dead letters; run the same command again afterwards"


class Door:
    """An exchange that exists, on a connection of its own: without memory a broker reads no acks from a publisher's."""

    def __init__(self, connection: amqp.Connection, exchange: str) -> None:
        self.exchange = exchange
        self._connection = connection
        connection.on_blocked = self._block
        connection.on_unblocked = self._unblock
        self._blocked = ""
        self._beat = monotonic()
        self._channel = amqp.Channel(connection, auto_decode=False)
        self._channel.open()
        self._channel.confirm_select()
        self._find()

    def publish(self, message: Outgoing) -> None:
        """Returns when the broker has confirmed that a queue holds the message. Problem when it is not known to."""
        content = _encoded(message) or _encoded(plain(message))
        if content is None:
            raise Problem(f"the order {message.properties.get('correlation_id')} cannot be written as AMQP; {_REST}")
        try:
            self._channel.basic_publish_confirm(
                content,
                exchange=message.exchange,
                routing_key=message.routing_key,
                mandatory=True,
                confirm_timeout=CONFIRM,
            )
        except TimeoutError:
            why = f"blocks publishing ({self._blocked})" if self._blocked else f"confirmed nothing within {CONFIRM:g} s"
            raise Problem(f"the broker {why}: {_REST}") from None
        except NotFound:
            raise Problem(self._gone()) from None
        except MessageNacked:
            raise Problem(f"the broker could not store an order that {self.exchange} leads to: {_REST}") from None
        except ChannelError as error:
            if error.reply_code != 312:
                raise
            raise Problem(
                f"no queue behind {self.exchange} takes orders of {message.routing_key!r} (returned as "
                f"unroutable): is the route Ready? {_REST}"
            ) from None

    def keep(self) -> None:
        """Keep the connection alive while nothing is published."""
        if monotonic() - self._beat < 1.0:
            return
        self._beat = monotonic()
        with suppress(TimeoutError, BlockingIOError):
            self._connection.drain_events(timeout=0)
        self._connection.heartbeat_tick()

    def _find(self) -> None:
        try:
            self._channel.exchange_declare(self.exchange, "fanout", passive=True)
        except NotFound:
            raise Problem(self._gone()) from None

    def _gone(self) -> str:
        return (
            f"there is no exchange {self.exchange}: the route's front door is open only while it is Ready "
            f"(`kubectl get mr -A`); {_REST}, or name another exchange with --to"
        )

    def _block(self, reason: str) -> None:
        self._blocked = reason

    def _unblock(self) -> None:
        self._blocked = ""


def _encoded(message: Outgoing) -> amqp.Message | None:
    """The message, None when it has a header or property that AMQP has no form for."""
    content = amqp.Message(message.body, application_headers=dict(message.headers), **message.properties)
    try:
        content._serialize_properties()  # noqa: SLF001 - so that a failure cannot leave half a frame behind
    except (AMQPError, ValueError, TypeError, struct.error):
        return None
    return content
