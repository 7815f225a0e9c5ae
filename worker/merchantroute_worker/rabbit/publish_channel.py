"""A channel that publishes, and whose fate stays its own.

py-amqp raises into whoever reads the connection when the broker closes a channel (say, for an exchange that does not
exist) and reopens it on the spot. Here the close of one channel fails what was published on it, and nothing else.
"""

import threading
import time
from typing import Any

import amqp
from amqp import spec

from merchantroute_worker.rabbit.confirms import Confirms


class PublishChannel(amqp.Channel):
    """An open channel with its confirms. `lost_at` (monotonic seconds) is set once the broker closed it."""

    def __init__(self, connection: amqp.Connection) -> None:
        super().__init__(connection, auto_decode=False)
        self.lock = threading.Lock()
        self.confirms = Confirms()
        self.lost_at: float | None = None

    @classmethod
    def opened(cls, connection: amqp.Connection, *, confirm: bool) -> "PublishChannel":
        """Open a channel. Waits for the broker's answer, so only whoever reads the connection may call it."""
        channel = cls(connection)
        channel.open()
        if confirm:
            channel.confirm_select()
        channel.events["basic_ack"].add(channel._acked)
        channel.events["basic_nack"].add(channel._nacked)
        channel.events["basic_return"].add(channel._returned)
        return channel

    def lose(self, why: str) -> None:
        """Nothing more will be heard of this channel."""
        self.lost_at = time.monotonic()
        self.confirms.lost(why)

    def _acked(self, tag: int, multiple: bool) -> None:
        self.confirms.answered(tag, multiple, refused=False)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self.confirms.answered(tag, multiple, refused=True)

    def _returned(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        key = (exchange, str(message.properties.get("correlation_id")))
        self.confirms.returned(key, f"no queue took it: {exchange!r} with {routing_key!r} ({error})")

    def _on_close(self, reply_code: int, reply_text: str, class_id: int, method_id: int) -> None:
        del class_id, method_id
        self.send_method(spec.Channel.CloseOk)
        self.lose(f"{reply_code} {reply_text}")
        self.collect()
