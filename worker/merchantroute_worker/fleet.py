"""The pod's flights: how messages become greenlets in Celery's pool, and how they end with their connection."""

import logging
from typing import Any

from merchantroute_worker.flight import Flight
from merchantroute_worker.pod import Pod

log = logging.getLogger(__name__)


class Fleet:
    """All flights of one consumer. `pool` is Celery's gevent pool: its warm shutdown waits for what runs in it."""

    def __init__(self, pod: Pod, pool: Any) -> None:
        self._pod = pod
        self._pool = pool
        self._flights: dict[Flight, Any] = {}

    def take(self, message: Any) -> None:
        """A message of the built-in task came."""
        self._spawn(Flight(self._pod, message), "run")

    def bury(self, message: Any, reason: str, explanation: str) -> None:
        """A message came that Celery cannot make a task of."""
        self._spawn(Flight(self._pod, message), "bury", reason, explanation)

    def hand_back(self) -> None:
        """End the flights whose calls are not over: the broker hands their messages out again."""
        for flight in self._flights:
            flight.lost = True
        calling = [greenlet for flight, greenlet in self._flights.items() if not flight.settling]
        if calling:
            log.warning("%s orders in flight are handed back to the broker", len(calling))
        for greenlet in calling:
            greenlet.kill(block=False)

    def abandon(self) -> None:
        """End every flight, also those that hold an outcome which they cannot make safe."""
        for greenlet in list(self._flights.values()):
            greenlet.kill(block=False)

    def __len__(self) -> int:
        return len(self._flights)

    def _spawn(self, flight: Flight, method: str, *arguments: str) -> None:
        if self._pod.stopping.is_set():
            # Not started and not acked: closing the connection gives it back.
            return
        # The gevent pool itself: Celery's apply_async around it serves Requests, which these messages never become.
        greenlet = self._pool._pool.spawn(getattr(flight, method), *arguments)  # noqa: SLF001
        self._flights[flight] = greenlet
        greenlet.link(lambda _: self._flights.pop(flight, None))
