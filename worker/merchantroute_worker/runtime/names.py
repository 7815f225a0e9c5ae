"""How the names of merchants become addresses: by c-ares, in the hub's own loop.

gevent's default is `getaddrinfo` in ten native threads. A name whose servers never answer keeps one of them until the
system gives up, which no deadline of ours shortens: ten such names, and every look-up waits, of healthy merchants and
of the broker too, even of numeric addresses. A look-up of c-ares is a query on a socket and a timer, and holds nothing.
"""

import os

from gevent import config


def in_the_loop() -> None:
    """Choose the resolver, before the hub makes one. The environment's GEVENT_RESOLVER has the last word."""
    if not os.environ.get("GEVENT_RESOLVER"):
        config.resolver = "ares"
