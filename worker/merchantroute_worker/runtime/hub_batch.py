"""One flush for all that is asked for within a turn of gevent's hub.

A turn of the hub ends many calls at once. A write to a socket or to standard output costs as much for one order as for
fifty, so it waits, some microseconds, until everything that is ready to run has run.
"""

from collections.abc import Callable

import gevent


class HubBatch:
    """Runs `flush` in a greenlet of its own at the end of the turn, however often it was asked. For one hub only.

    What is asked for while a flush waits for the network is flushed after it, and not amid it.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._requested = False
        self._running = False

    def request(self) -> None:
        """Ask for a flush. A new greenlet runs after all that is ready to run now."""
        self._requested = True
        if not self._running:
            self._running = True
            gevent.spawn(self._run)

    def _run(self) -> None:
        try:
            while self._requested:
                self._requested = False
                self._flush()
        finally:
            self._running = False
