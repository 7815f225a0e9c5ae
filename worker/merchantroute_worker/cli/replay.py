"""Replays dead letters: each is confirmed at the front door before it leaves the dead queue, at a bounded rate.

Killed at any moment it loses nothing: a letter whose confirm came and whose ack did not is published once more by the
next replay, which the order's idempotency keys make harmless.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from merchantroute_worker.cli.addresses import Address, Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.publisher import Door
from merchantroute_worker.cli.reader import Browse
from merchantroute_worker.cli.replay_message import again

ROUND = 600.0  # seconds; a broker ends a channel that holds a letter for long, by default for 30 minutes


class Stop:
    """Whether the person wants an end: the letter under way is finished first."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM ask, for the time of the block; a second Ctrl-C ends at once."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class Replay:
    """One replay. `replayed` counts; `told` is called after each letter."""

    def __init__(
        self,
        *,
        wanted: Callable[[Letter], bool],
        exchange: str,
        rate: float | None,
        reset_attempts: bool,
        stop: Stop,
        told: Callable[[Letter], None],
    ) -> None:
        self._wanted = wanted
        self._exchange = exchange
        self._gap = 1 / rate if rate else 0.0
        self._reset = reset_attempts
        self._stop = stop
        self._told = told
        self._began = time.time()
        self._next = time.monotonic()
        self.replayed = 0

    def run(self, route: Route, address: Address) -> None:
        """Replay what is wanted of what is there. Problem when something is in the way; then the rest stays."""
        with connected(address, "replay, gives") as giving:
            door = Door(giving, self._exchange)
            whole = False
            while not whole and not self._stop.asked:
                with connected(address, "replay, takes") as taking, Browse(taking, route.dead) as browse:
                    whole = self._round(browse, door)

    def _round(self, browse: Browse, door: Door) -> bool:
        """Go through the letters; False when it is time to let go of those that were only looked at."""
        end = time.monotonic() + ROUND
        before = self.replayed
        for letter in browse:
            door.keep()
            if self._is_wanted(letter):
                if not self._paced(browse, door):
                    return False
                self._one(letter, browse, door)
            if self._stop.asked or (time.monotonic() > end and self.replayed > before):
                return False
        return True

    def _one(self, letter: Letter, browse: Browse, door: Door) -> None:
        door.publish(again(letter, exchange=self._exchange, now=time.time(), reset_attempts=self._reset))
        browse.take(letter)
        self.replayed += 1
        self._told(letter)

    def _is_wanted(self, letter: Letter) -> bool:
        """Not what this very replay has sent on its way, should it be back already."""
        mine = letter.replays > 0 and (letter.published_at or 0.0) >= self._began - 0.001
        return not mine and self._wanted(letter)

    def _paced(self, browse: Browse, door: Door) -> bool:
        """Wait for this letter's turn, with both connections kept alive; False when the person wants an end."""
        while (left := self._next - time.monotonic()) > 0:
            browse.read(min(left, 0.5))
            door.keep()
            if self._stop.asked:
                return False
        # A pause, say of a slow confirm, is not caught up: the rate is a bound.
        self._next = max(self._next, time.monotonic() - self._gap) + self._gap
        return True
