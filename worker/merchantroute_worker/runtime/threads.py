"""Waiting, in the same words under every pool.

The worker's own machinery (publisher, files, probes, pulses) is written against the standard library's `threading`.
gevent's patching turns those threads into greenlets; under the pools `threads` and `prefork` they are native threads.
So nothing here waits by means of gevent's own, and nothing may be imported before the launcher has patched.
"""

import _thread
import threading
from collections.abc import Callable

_NEVER = threading.Event()


def sleep(seconds: float) -> None:
    """Let others run for so many seconds."""
    _NEVER.wait(seconds)


def start_daemon(life: Callable[[], None], name: str) -> None:
    """Start something that lives as long as the process: a greenlet where threads are patched."""
    threading.Thread(target=life, name=name, daemon=True).start()


def native_lock() -> "_thread.LockType":
    """A lock around what neither waits nor calls anybody. Then no greenlet can meet it taken, and it is the
    interpreter's own, also where gevent has patched: that one costs ten times as much.
    """
    from gevent.monkey import get_original

    lock: _thread.LockType = get_original("_thread", "allocate_lock")()
    return lock
