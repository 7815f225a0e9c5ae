"""Unix signal handlers, in processes with and without gevent's patching."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from merchantroute_worker.runtime.threads import start_daemon

TERMINATING = (signal.SIGTERM, signal.SIGINT)


def on_signal(number: signal.Signals, act: Callable[[], None]) -> Callable[[], None]:
    """Call `act` at a signal, and give a function that restores the handler before.

    With gevent the hub calls it in a greenlet. Without, Python runs handlers in the main thread between two bytecodes,
    which may hold any lock just then: this one only writes to a pipe, and a thread calls `act`.
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
    """Call `act` at SIGTERM or SIGINT, within the block."""
    undo = [on_signal(number, act) for number in TERMINATING]
    try:
        yield
    finally:
        for restore in undo:
            restore()


def _wait(read: int, act: Callable[[], None]) -> None:
    while os.read(read, 1):
        act()


def _restore(number: signal.Signals, before: Any) -> None:
    signal.signal(number, before if before is not None else signal.SIG_DFL)
