"""Sets gevent and the interpreter up for a pod: patching, name resolution, and less bookkeeping.

gevent's default resolver is `getaddrinfo` in ten native threads. A name whose servers never answer keeps one of them
until the system gives up, which no deadline of ours shortens: ten such names, and every look-up waits, of healthy
merchants and of the broker too, even of numeric addresses. A look-up of c-ares is a query on a socket and a timer in
the hub's own loop, and holds nothing.
"""

import gc
import os

YOUNG = 10_000
"""Generation 0's threshold of the garbage collector: 700 in CPython."""
MIDDLE, OLD = 20, 20
"""The thresholds of generations 1 and 2: 10 and 10 in CPython."""


def use_c_ares() -> None:
    """Choose c-ares as gevent's resolver, before the hub makes one. The environment's GEVENT_RESOLVER has the last
    word.
    """
    from gevent import config

    if not os.environ.get("GEVENT_RESOLVER"):
        config.resolver = "ares"


def patch() -> None:
    """Make the standard library cooperative. Must run before anything else imports it.

    Spawn trees go first: gevent would otherwise keep the stack that each greenlet was started from, which every order
    pays for and nobody reads.
    """
    import gevent
    from gevent import monkey

    use_c_ares()
    gevent.config.track_greenlet_tree = False
    monkey.patch_all()


def tune_garbage_collector() -> None:
    """Make the garbage collector run less often, once all that stays for the process's life is there.

    What is there is taken out of what it walks through. Orders leave no cycles behind, so it finds next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
