"""Bookkeeping of the interpreter and of gevent that a pod pays for with each order, and that nobody reads."""

import gc

ALLOCATIONS = 10_000
"""Objects, made and not yet freed, between two looks of the collector at the young: 700 in CPython."""
OLDER, OLDEST = 20, 20
"""Looks at the young for one at the older, and of those for one at all: 10 and 10 in CPython."""


def no_spawn_trees() -> None:
    """Let gevent not keep the stack that each greenlet was started from. Before any is."""
    import gevent

    gevent.config.track_greenlet_tree = False


def collect_less() -> None:
    """Once all that stays is there: take it out of what the collector walks through, and let it look less often.
    Orders leave no cycles behind, so it finds next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, OLDER, OLDEST)
