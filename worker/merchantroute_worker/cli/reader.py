"""Letters of the dead queue, one after another, without using them up.

They are consumed and not acked: whatever ends this process, the broker puts back all that was not settled. The queue
has no delivery limit, so being looked at does not count.

A quorum queue sends a consumer no more than its prefetch, and letters that are only looked at fill it for good. So
when one consumer is full the next one begins: few letters are under way at a time, however many there are, and none
is kept here.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Self

import amqp
from amqp.exceptions import NotFound

from merchantroute_worker.cli import dead_letter
from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.errors import Problem

AT_ONCE = 500  # letters under way
SILENCE = 1.0  # seconds without a letter, after which the queue is asked whether it has more
GIVING_BACK = 5.0  # seconds; others may take letters meanwhile, so their number may never be reached
PATIENCE = 30.0  # seconds without a letter from a queue that says that it has some


class Browse:
    """One pass over the letters that are there when it begins, for the time of a block. `total` is their number."""

    def __init__(self, connection: amqp.Connection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self._channel = amqp.Channel(connection, auto_decode=False)
        self._channel.open()
        self._under_way: deque[amqp.Message] = deque()
        self._capacity = 0
        self._held = 0
        self._took = False
        self._beat = monotonic()
        self.total, self.consumers = self._count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Also where something is in the way: the person may look again at once. What else ends the block has no time.
        if kind is None or issubclass(kind, Problem):
            self.close()

    def __iter__(self) -> Iterator[Letter]:
        """The letters. Ends early when others take some meanwhile. Problem when the queue falls silent."""
        for _ in range(self.total):
            if not self._arrives():
                return
            message = self._under_way.popleft()
            yield dead_letter.read(
                tag=message.delivery_info["delivery_tag"],
                routing_key=message.delivery_info["routing_key"],
                body=bytes(message.body or b""),
                properties=message.properties,
            )

    def take(self, letter: Letter) -> None:
        """Take a letter off the queue: its outcome is safe somewhere else."""
        self._channel.basic_ack(letter.tag)
        self._held -= 1
        self._took = True

    def read(self, seconds: float) -> None:
        """Handle what the broker says within so many seconds, and keep the connection alive."""
        with suppress(TimeoutError):
            self._connection.drain_events(timeout=seconds)
        now = monotonic()
        if now - self._beat >= 1.0:
            self._beat = now
            self._connection.heartbeat_tick()

    def close(self) -> None:
        """Give back every letter that was not taken; returns when they are there for others, and all acks are in.

        The broker answers that a channel is closed before the queue has its letters back; whoever looked at the queue
        then, the next command for one, would not see them.
        """
        with suppress(Problem, NotFound):  # a queue that is gone gets nothing back
            if self._took:
                self._see_acks_in()
        self._channel.close()
        self._channel = self._connection.channel()
        end = monotonic() + GIVING_BACK
        with suppress(Problem):
            while self._count()[0] < self._held and monotonic() < end:
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.02)

    def _see_acks_in(self) -> None:
        """A channel keeps acks back while a quorum queue is behind with 32 of them, and forgets those when it closes.

        To begin and to end a consumer are entries of the queue's log that the channel waits for. When one is answered,
        the acks that went before it are in; what the channel kept back follows, and the next one waits for that.
        """
        for tag in ("acks-sent", "acks-kept-back"):
            self._channel.basic_consume(self._queue, tag, callback=self._arrived, on_cancel=self._cancelled)
            self._channel.basic_cancel(tag)

    def _arrives(self) -> bool:
        """Wait for a letter; False when there is none any more."""
        begun = monotonic()
        while not self._under_way:
            if self._held >= self._capacity:
                self._begin()
            before = self._held
            self.read(SILENCE)
            if self._held == before and self._count()[0] == 0 and not self._under_way:
                return False
            if monotonic() - begun > PATIENCE:
                raise Problem(f"the queue {self._queue} has letters and sends none: has it lost its majority of nodes?")
        return True

    def _begin(self) -> None:
        self._channel.basic_qos(0, AT_ONCE, False)
        self._channel.basic_consume(self._queue, callback=self._arrived, on_cancel=self._cancelled)
        self._capacity += AT_ONCE

    def _arrived(self, message: amqp.Message) -> None:
        self._under_way.append(message)
        self._held += 1

    def _cancelled(self, tag: str) -> None:
        raise Problem(f"the queue {self._queue} was deleted meanwhile ({tag})")

    def _count(self) -> tuple[int, int]:
        """Letters that nobody holds, and consumers."""
        try:
            found = self._channel.queue_declare(self._queue, passive=True)
        except NotFound:
            raise Problem(
                f"there is no queue {self._queue} in this virtual host: is the route's name right, and is it Ready? "
                "`kubectl get mr -A`"
            ) from None
        return found.message_count, found.consumer_count
