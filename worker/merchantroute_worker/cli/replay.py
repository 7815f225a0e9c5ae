"""Replays dead letters: publishes each with a publisher confirm before it acks it, at a bounded rate.

A replay that is killed at any moment loses nothing: a letter that was confirmed and not acked is published once more by
the next replay, which the order's idempotency keys make harmless.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from merchantroute_worker.cli.addresses import Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.publisher import ExchangePublisher
from merchantroute_worker.cli.reader import DeadLetterReader
from merchantroute_worker.cli.replay_message import replay_message
from merchantroute_worker.rabbit.address import BrokerAddress

PASS_TIME = 600.0  # seconds; RabbitMQ closes a channel that does not ack for long, by default for 30 minutes


class Stop:
    """A request to stop, by signal: the letter that is being published is finished first."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handle Ctrl-C and SIGTERM within the block; a second one ends the process at once."""
        before = {number: signal.signal(number, self._request) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Replay:
    """One replay to an exchange, if the exchange `open_if` is there too: the router is there before and after the front
    door is. `replayed` counts its letters; `on_replayed` is called after each.
    """

    def __init__(
        self,
        *,
        wanted: Callable[[DeadLetter], bool],
        exchange: str,
        open_if: str,
        rate: float | None,
        reset_attempts: bool,
        stop: Stop,
        on_replayed: Callable[[DeadLetter], None],
    ) -> None:
        self._wanted = wanted
        self._exchange = exchange
        self._open_if = open_if
        self._interval = 1 / rate if rate else 0.0
        self._reset = reset_attempts
        self._stop = stop
        self._on_replayed = on_replayed
        self._began = time.time()
        self._next = time.monotonic()
        self.replayed = 0

    def run(self, route: Route, address: BrokerAddress) -> None:
        """Replay the wanted letters. Problem when broker or route stop it; letters that are not replayed stay."""
        with connected(address, "replay, gives") as publishing:
            publisher = ExchangePublisher(publishing, self._exchange, open_if=self._open_if)
            complete = False
            while not complete and not self._stop.requested:
                with (
                    connected(address, "replay, takes") as consuming,
                    DeadLetterReader(consuming, route.dead_queue) as reader,
                ):
                    complete = self._pass(reader, publisher)

    def _pass(self, reader: DeadLetterReader, publisher: ExchangePublisher) -> bool:
        """Read the queue once; False when it ends early, so that letters which were only read are requeued."""
        end = time.monotonic() + PASS_TIME
        before = self.replayed
        for letter in reader:
            publisher.keep_alive()
            if self._is_wanted(letter):
                if not self._wait_for_rate(reader, publisher):
                    return False
                self._replay(letter, reader, publisher)
            if self._stop.requested or (time.monotonic() > end and self.replayed > before):
                return False
        return True

    def _replay(self, letter: DeadLetter, reader: DeadLetterReader, publisher: ExchangePublisher) -> None:
        publisher.publish(replay_message(letter, exchange=self._exchange, now=time.time(), reset_attempts=self._reset))
        reader.ack(letter)
        self.replayed += 1
        self._on_replayed(letter)

    def _is_wanted(self, letter: DeadLetter) -> bool:
        """Whether to replay a letter; not one that this replay has published, and that is dead again already."""
        own = letter.replays > 0 and (letter.published_at or 0.0) >= self._began - 0.001
        return not own and self._wanted(letter)

    def _wait_for_rate(self, reader: DeadLetterReader, publisher: ExchangePublisher) -> bool:
        """Wait until the rate allows one more, with both connections kept alive; False when a stop is requested."""
        while (left := self._next - time.monotonic()) > 0:
            reader.read(min(left, 0.5))
            publisher.keep_alive()
            if self._stop.requested:
                return False
        # A pause, say of a slow confirm, is not caught up: the rate is a bound.
        self._next = max(self._next, time.monotonic() - self._interval) + self._interval
        return True
