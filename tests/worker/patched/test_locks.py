"""Locks around what never waits cost nothing more where gevent has patched."""

import threading

from gevent.monkey import get_original

from merchantroute_worker.runtime.threads import native_lock


def test_a_brief_lock_is_the_interpreter_s_own() -> None:
    own = type(get_original("_thread", "allocate_lock")())

    assert type(native_lock()) is own
    assert type(threading.Lock()) is not own
