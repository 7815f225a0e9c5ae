"""Runs work in greenlets that are kept for the next work. For one hub only.

A new greenlet for each order is a twentieth of what the order costs: CPython maps memory for its frames, which the
kernel has to clear, and unmaps it at its end.
"""

from collections.abc import Callable
from typing import Any

import gevent
from gevent.hub import Waiter


class Run:
    """One piece of work, in whichever greenlet runs it."""

    __slots__ = ("_arguments", "_cancelled", "_greenlet", "_on_end", "_work")

    def __init__(self, work: Callable[..., None], arguments: tuple[Any, ...], on_end: Callable[[], None]) -> None:
        self._work, self._arguments, self._on_end = work, arguments, on_end
        self._greenlet: Any = None
        self._cancelled = False

    def cancel(self) -> None:
        """Raise GreenletExit where the work waits, or never begin it. No effect once it has ended, whatever its
        greenlet does by then: so not by the greenlet's own `kill`.
        """
        self._cancelled = True
        gevent.get_hub().loop.run_callback(self._throw)

    def run(self) -> None:
        """Do the work in the current greenlet. What it raises passes, unless it was cancelled."""
        try:
            if not self._cancelled:
                self._greenlet = gevent.getcurrent()
                self._work(*self._arguments)
        except gevent.GreenletExit:
            return
        finally:
            self._greenlet = None
            self._on_end()

    def _throw(self) -> None:
        if self._greenlet is not None:
            self._greenlet.throw(gevent.GreenletExit)


class KeptGreenlets:
    """Greenlets that run one piece of work after the other; up to `most` of them are kept while there is none."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._idle: list[Waiter] = []
        self._runs: set[Run] = set()

    def spawn(self, work: Callable[..., None], *arguments: Any, on_end: Callable[[], None]) -> Run:
        """Run it once all greenlets that are ready now have run; `on_end` is called at its end, however it ends, and
        must not block.
        """
        run = Run(work, arguments, on_end)
        self._runs.add(run)
        if self._idle:
            gevent.get_hub().loop.run_callback(self._idle.pop().switch, run)
        else:
            gevent.spawn(self._serve, [run])
        return run

    def cancel(self) -> None:
        """Cancel all work."""
        for run in list(self._runs):
            run.cancel()

    def _serve(self, first: list[Run]) -> None:
        # Out of the list, and None while it waits: a greenlet keeps its arguments, and must not keep an order's memory.
        run: Run | None = first.pop()
        while run is not None:
            try:
                run.run()
            finally:
                self._runs.discard(run)
            run = None
            if len(self._idle) < self.most:
                waiter = Waiter()
                self._idle.append(waiter)
                run = waiter.get()
