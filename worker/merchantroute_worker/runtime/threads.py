"""Sleep, daemon threads and locks that work under every pool of Celery.

The worker's own loops (publisher, files, probes, pulses) are written against the standard library's `threading`.
gevent's patching turns those threads into greenlets; with the pools `threads` and `prefork` they are native threads.
So nothing here waits by gevent's functions, and this must not be imported before the launcher has patched.
"""

import _thread
import threading
import time
from collections.abc import Callable

_NEVER = threading.Event()
_STARTED = time.monotonic()


def sleep(seconds: float) -> None:
    """Sleep for so many seconds; only this thread or greenlet waits."""
    _NEVER.wait(seconds)


def until_beat(interval: float) -> float:
    """Give the seconds until the age of this process is a multiple of `interval`, at least a fourth of it.

    Loops that wait for a multiple wake an idle process together. Each by itself is a turn of the hub of its own, of
    which an idle pod's CPU time consists. By its age, so that the pods of a node do not wake together.
    """
    left = interval - (time.monotonic() - _STARTED) % interval
    return left if left > interval / 4 else left + interval


def start_daemon(target: Callable[[], None], name: str) -> None:
    """Start a daemon thread, which is a greenlet where threads are patched."""
    threading.Thread(target=target, name=name, daemon=True).start()


def native_lock() -> "_thread.LockType":
    """Make a native lock, also where gevent has patched: gevent's costs ten times as much.

    Only for code that neither waits nor calls back: then no other greenlet can find the lock acquired, which would
    block the whole hub.
    """
    from gevent.monkey import get_original

    lock: _thread.LockType = get_original("_thread", "allocate_lock")()
    return lock
