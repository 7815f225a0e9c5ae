"""Batches flushes: one for all requests within a turn of gevent's hub.

A turn of the hub ends many calls at once. A write to a socket or to standard output costs as much for one order as for
fifty, so it waits some microseconds, until every greenlet that is ready has run.
"""

from collections.abc import Callable

from merchantroute_worker.runtime.kept_greenlets import KeptGreenlets


class HubBatch:
    """Runs `flush` in a greenlet of its own at the end of the hub's turn, however often it was requested. For one hub
    only.

    Requests that arrive while a flush waits for the network are flushed after it.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._requested = False
        self._running = False
        self._greenlet = KeptGreenlets(1)

    def request(self) -> None:
        """Request a flush. It runs after all that are ready now."""
        self._requested = True
        if not self._running:
            self._running = True
            self._greenlet.spawn(self._run, on_end=self._ended)

    def _run(self) -> None:
        while self._requested:
            self._requested = False
            self._flush()

    def _ended(self) -> None:
        self._running = False
