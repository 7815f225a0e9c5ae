"""Reads the dead-letter queue without removing its messages.

They are consumed and not acked: however this process ends, RabbitMQ requeues every message that was not acked. The
queue has no delivery limit, so reading a message does not count against it.

A quorum queue delivers no more than the prefetch to a consumer, and messages that are only read fill it for good. So
when one consumer's prefetch is full, the next consumer begins: few messages are in transit at a time, however many the
queue has, and none is kept here.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Self

import amqp
from amqp.exceptions import NotFound

from merchantroute_worker.cli import dead_letter
from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.ack_flush import flush_acks

PREFETCH = 500  # messages in transit
SILENCE = 1.0  # seconds without a delivery, after which the queue is declared passively to see whether it has more
REQUEUE_TIMEOUT = 5.0  # seconds; others may consume meanwhile, so that the number is never reached
DELIVERY_TIMEOUT = 30.0  # seconds without a delivery from a queue that reports messages


class DeadLetterReader:
    """One pass over the `total` letters that are there when it begins, within a block. `consumers` counts others."""

    def __init__(self, connection: amqp.Connection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self._channel = amqp.Channel(connection, auto_decode=False)
        self._channel.open()
        self._delivered: deque[amqp.Message] = deque()
        self._capacity = 0
        self._unacked = 0
        self._acked = False
        self._beat = monotonic()
        self.total, self.consumers = self._count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Also after a Problem: the next command may read the queue at once. Any other exception ends the program first.
        if kind is None or issubclass(kind, Problem):
            self.close()

    def __iter__(self) -> Iterator[DeadLetter]:
        """Yield the letters; fewer where others consume some meanwhile. Problem when the queue delivers none."""
        for _ in range(self.total):
            if not self._wait_for_delivery():
                return
            message = self._delivered.popleft()
            yield dead_letter.read(
                tag=message.delivery_info["delivery_tag"],
                routing_key=message.delivery_info["routing_key"],
                body=bytes(message.body or b""),
                properties=message.properties,
                front_door=self._queue.removesuffix(".dead"),
            )

    def ack(self, letter: DeadLetter) -> None:
        """Ack a letter, which removes it from the queue: it is safe somewhere else."""
        self._channel.basic_ack(letter.tag)
        self._unacked -= 1
        self._acked = True

    def read(self, seconds: float) -> None:
        """Handle frames for up to so many seconds, and keep the heartbeat."""
        with suppress(TimeoutError):
            self._connection.drain_events(timeout=seconds)
        now = monotonic()
        if now - self._beat >= 1.0:
            self._beat = now
            self._connection.heartbeat_tick()

    def close(self) -> None:
        """Requeue every letter that was not acked; returns when others can consume them and all acks are applied.

        RabbitMQ confirms that a channel is closed before the queue has requeued its messages: a command that read the
        queue at once would miss them.
        """
        with suppress(Problem, NotFound):  # nothing is requeued in a queue that is gone
            if self._acked:
                flush_acks(self._channel, self._queue, self._on_delivery, self._on_cancel)
        self._channel.close()
        self._channel = self._connection.channel()
        end = monotonic() + REQUEUE_TIMEOUT
        with suppress(Problem):
            while self._count()[0] < self._unacked and monotonic() < end:
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.02)

    def _wait_for_delivery(self) -> bool:
        """Wait for a delivery; False when the queue has no message left."""
        begun = monotonic()
        while not self._delivered:
            if self._unacked >= self._capacity:
                self._consume()
            before = self._unacked
            self.read(SILENCE)
            if self._unacked == before and self._count()[0] == 0 and not self._delivered:
                return False
            if monotonic() - begun > DELIVERY_TIMEOUT:
                raise Problem(
                    f"the queue {self._queue} has letters and delivers none: has it lost its majority of nodes?"
                )
        return True

    def _consume(self) -> None:
        self._channel.basic_qos(0, PREFETCH, False)
        self._channel.basic_consume(self._queue, callback=self._on_delivery, on_cancel=self._on_cancel)
        self._capacity += PREFETCH

    def _on_delivery(self, message: amqp.Message) -> None:
        self._delivered.append(message)
        self._unacked += 1

    def _on_cancel(self, tag: str) -> None:
        raise Problem(f"the queue {self._queue} was deleted meanwhile ({tag})")

    def _count(self) -> tuple[int, int]:
        """The numbers of ready messages and of consumers."""
        try:
            found = self._channel.queue_declare(self._queue, passive=True)
        except NotFound:
            raise Problem(
                f"there is no queue {self._queue} in this virtual host: is the route's name right, and is it Ready? "
                "`kubectl get mr -A`"
            ) from None
        return found.message_count, found.consumer_count
