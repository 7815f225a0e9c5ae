"""An AMQP channel in confirm mode that survives, as an object, being closed by the broker.

When the broker closes a channel (say, because an exchange does not exist), py-amqp raises the error into whoever reads
the connection, and reopens the channel at once. Here the close of one channel concerns only what was published on it.
No gevent, kombu or Celery in here: the client and the command line import it too.
"""

from typing import Any, Protocol, Self

import amqp
from amqp import spec

from merchantroute_worker.rabbit.confirms import MessageKey
from merchantroute_worker.rabbit.packed_message import PackedMessage


class ConfirmListener(Protocol):
    """Gets the broker's answers to the publishes of one channel. Called while the connection is read."""

    def answered(self, tag: int, multiple: bool, *, nacked: bool) -> None:
        """`basic.ack` or `basic.nack` of a delivery tag came, with `multiple` also for all tags below it."""

    def returned(self, key: MessageKey, reason: str) -> None:
        """`basic.return` of a mandatory message came. It has no tag: `key` is what identifies its publish."""


class PublishChannel(amqp.Channel):
    """A channel for publishing. `closed` holds reply code and text once the broker has closed the channel."""

    def __init__(self, connection: amqp.Connection, listener: ConfirmListener) -> None:
        super().__init__(connection, auto_decode=False)
        self.closed: tuple[int, str] | None = None
        self._listener = listener

    @classmethod
    def opened(cls, connection: amqp.Connection, listener: ConfirmListener, *, confirm: bool = True) -> Self:
        """Open a channel. Waits for the broker's answer, so only whoever reads the connection may call it."""
        channel = cls(connection, listener)
        channel.open()
        if confirm:
            channel.confirm_select()
        channel.events["basic_ack"].add(channel._acked)
        channel.events["basic_nack"].add(channel._nacked)
        channel.events["basic_return"].add(channel._returned)
        return channel

    def publish(self, message: PackedMessage, exchange: str, routing_key: str, *, mandatory: bool = True) -> None:
        """Write a `basic.publish`; its confirm comes while the connection is read. What the socket raises passes."""
        # Not basic_publish: that one reads from the connection first, with a time-out, and raises what it finds.
        self.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, routing_key, mandatory, False), message)

    def _acked(self, tag: int, multiple: bool) -> None:
        self._listener.answered(tag, multiple, nacked=False)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._listener.answered(tag, multiple, nacked=True)

    def _returned(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        del error
        key = (exchange, routing_key, str(message.properties.get("correlation_id")))
        self._listener.returned(key, f"returned as unroutable: no queue behind {exchange!r} takes {routing_key!r}")

    def _on_close(self, reply_code: int, reply_text: str, class_id: int, method_id: int) -> None:
        del class_id, method_id
        self.send_method(spec.Channel.CloseOk)
        self.closed = (reply_code, reply_text)
        self.collect()
