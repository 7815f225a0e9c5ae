"""Signals, in a process that gevent has patched and in one that it has not."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from merchantroute_worker.runtime.threads import start_daemon

ENDING = (signal.SIGTERM, signal.SIGINT)


def on_signal(number: signal.Signals, act: Callable[[], None]) -> Callable[[], None]:
    """Call `act` at the signal; gives what undoes it. gevent runs it in a greenlet of the hub's, at once. Without it
    Python interrupts the main thread, which may hold any lock just then: all that is done there is a write to a pipe.
    """
    from gevent import monkey

    if monkey.is_module_patched("signal"):
        import gevent

        handler: Any = gevent.signal_handler(number, act)
        undo: Callable[[], None] = handler.cancel
        return undo
    read, write = os.pipe()
    before = signal.signal(number, lambda *_: os.write(write, b"!"))
    start_daemon(lambda: _wait(read, act), f"waits for {number.name}")
    return lambda: _restore(number, before)


@contextmanager
def until_signalled(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` when told to end, within the block."""
    undo = [on_signal(number, act) for number in ENDING]
    try:
        yield
    finally:
        for one in undo:
            one()


def _wait(read: int, act: Callable[[], None]) -> None:
    while os.read(read, 1):
        act()


def _restore(number: signal.Signals, before: Any) -> None:
    signal.signal(number, before if before is not None else signal.SIG_DFL)
