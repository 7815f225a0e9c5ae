"""Sets up gevent and the interpreter: monkey patching, c-ares name resolution, and cheaper garbage collection.

gevent's default resolver is `getaddrinfo` in ten native threads. A name whose servers never answer occupies one of them
until the system gives up, which no deadline of ours shortens: ten such names block every lookup, of healthy merchants
and of the broker too, even of numeric addresses. A lookup by c-ares is a query on a socket and a timer in the hub's own
loop, and occupies no thread.
"""

import gc
import os

YOUNG = 10_000
"""The garbage collector's threshold for generation 0: 700 in CPython."""
MIDDLE, OLD = 20, 20
"""Its thresholds for generations 1 and 2: 10 and 10 in CPython."""


def use_c_ares() -> None:
    """Choose c-ares as gevent's resolver, before the hub creates one. The environment's GEVENT_RESOLVER takes
    precedence.
    """
    from gevent import config

    if not os.environ.get("GEVENT_RESOLVER"):
        config.resolver = "ares"


def patch() -> None:
    """Monkey-patch the standard library. Must run before anything else imports it.

    It also turns off gevent's spawn trees, which keep the stack that each greenlet was started from: a cost for every
    order that nobody reads.
    """
    import gevent
    from gevent import monkey

    use_c_ares()
    gevent.config.track_greenlet_tree = False
    monkey.patch_all()


def tune_garbage_collector() -> None:
    """Make the garbage collector run less often, once everything that lives as long as the process exists.

    Existing objects are frozen, so that it no longer traverses them. Orders leave no reference cycles behind, so it
    finds next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
