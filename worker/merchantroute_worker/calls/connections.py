"""Pools of kept-alive HTTP connections, one pool an origin, each with a bounded number of connections.

Built on geventhttpclient's pools, which bound and open connections, below its client class: that one would repeat a GET
as often as its pool has connections. No proxies, no environment. The call's time-out, raised in its greenlet, bounds
name resolution, connect and TLS handshake as well, and its connection is closed. The only time-out here is that of one
address, so that the next one is tried.
"""

import os
import ssl
import time
from collections.abc import Callable
from select import POLLIN
from typing import Any

import gevent
import gevent.socket
from gevent import monkey
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

from merchantroute_worker.calls.dialer import Dialer
from merchantroute_worker.calls.request import Origin
from merchantroute_worker.egress.addresses import Address, api_server
from merchantroute_worker.egress.rules import Egress

IDLE = 45.0
"""Seconds without a call after which a connection is closed, and a pool: less than the minute after which many load
balancers and address translators forget it.
"""
USED_JUST_NOW = 0.05
"""Seconds since its last use up to which a connection counts as open without asking the kernel, if its merchant is one
that keeps connections open.
"""
KEEPS_OPEN_AFTER = 100
"""Reuses without a closed connection among them, after which a merchant is one that keeps connections open."""
REAP_EVERY = 1.0
"""Seconds between two looks at idle connections: a thread or a child process asks for one before each call."""
_READ = 1  # libev's EV_READ
# Not gevent's, which starts a watcher for each poll: with a time-out of zero nothing waits.
_poll = monkey.get_original("select", "poll")


class Connection:
    """One connection; `kept` once it has served a request, `idle_since` when it was last given back.

    A poll before it is used again says whether it is still open: from an idle connection there is nothing to read but
    its end. Not `select`, which cannot see descriptors above 1,023.
    """

    __slots__ = ("_hub", "_poll", "_readable", "idle_since", "kept", "sock")

    def __init__(self, sock: Any, *, plain: bool) -> None:
        self.sock = sock
        self.kept = False
        self.idle_since = 0.0
        self._poll = _poll()
        self._poll.register(sock.fileno(), POLLIN)
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(sock.fileno(), _READ) if plain else None

    def is_open(self) -> bool:
        """Whether an idle connection can serve a request: nothing has come on it, not even its end."""
        return not self._poll.poll(0)

    def wait_readable(self) -> None:
        """Wait for bytes, which saves a recv that fails. Not with TLS: the kernel does not see what TLS read ahead."""
        if self._readable is not None:
            self._hub.wait(self._readable)

    def close(self) -> None:
        """Close the socket and its watcher."""
        if self._readable is not None:
            self._readable.close()
        self.sock.close()


class Pool:
    """A pool of geventhttpclient's that reuses the connection that was used last, and knows which ones are kept.

    `idle` has those that were given back first at its beginning; `used` is when the pool was last asked for. `reuses`
    counts from the last connection on that the merchant had closed: a system call before each call costs a quick
    merchant's orders more than all of the bulkhead.
    """

    idle: list[Connection]
    used: float
    reuses = 0
    plain = True
    _semaphore: Any
    _closed: bool
    dialer: Dialer
    host: str
    egress: Egress
    api_server: Address | None

    def acquire(self, *, new: bool) -> Connection:
        """Give a connection; waits for one where all are in use. A `new` one replaces one that is idle."""
        self._semaphore.acquire()
        try:
            while self.idle:
                connection = self.idle.pop()
                if not new and self._is_usable(connection):
                    self.reuses += 1
                    return connection
                connection.close()
                if new:
                    break
            return Connection(self._create_socket(), plain=self.plain)
        except BaseException:
            self._semaphore.release()
            raise

    def release(self, connection: Connection, *, keep: bool) -> None:
        """Return a connection after its request; it is closed unless `keep` says that it can serve another."""
        if keep and not self._closed:
            connection.kept = True
            connection.idle_since = self.used  # a moment early, for a reading of the clock less
            self.idle.append(connection)
        else:
            connection.close()
        self._semaphore.release()

    def _is_usable(self, connection: Connection) -> bool:
        idle = self.used - connection.idle_since
        if idle < USED_JUST_NOW and self.reuses >= KEEPS_OPEN_AFTER:
            return True
        return idle <= IDLE and self._is_open(connection)

    def _is_open(self, connection: Connection) -> bool:
        if connection.is_open():
            return True
        self.reuses = 0
        return False

    def _create_socket(self) -> Any:
        """A connection to a judged address: no name is looked up again after that."""
        resolved = self._resolve()  # type: ignore[attr-defined]
        return self.dialer.connect(self.egress.admitted(self.host, resolved, self.api_server), self._secured)

    def _secured(self, sock: Any) -> Any:
        """Make of a connected socket one that requests can be sent on."""
        return sock

    def reap(self, now: float) -> None:
        """Close what has been idle for IDLE seconds, and what the merchant has closed."""
        kept = [one for one in self.idle if now - one.idle_since <= IDLE and self._is_open(one)]
        for connection in set(self.idle).difference(kept):
            connection.close()
        self.idle[:] = kept

    def close(self) -> None:
        """Close idle connections now, and those in use after their request."""
        self._closed = True
        while self.idle:
            self.idle.pop().close()


class _PlainPool(Pool, ConnectionPool):
    """Connections to an http origin."""


class _TLSPool(Pool, SSLConnectionPool):
    """Connections to an https origin."""

    plain = False

    def _secured(self, sock: Any) -> Any:
        name = self._request_host.removesuffix(".")  # neither SNI nor certificates have the dot of an absolute name
        encrypted = self.ssl_context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        try:
            encrypted.do_handshake()
        except BaseException:
            # gevent closes after an OSError only. After a call's time-out, which is a BaseException, the descriptor
            # would stay open until garbage collection.
            encrypted.close()
            raise
        return encrypted


class ConnectionPools:
    """The pools of one client by origin. `size` bounds the connections of each; `clock` is monotonic seconds.

    A kept connection is not judged again, so connections end with the rules by which they were opened.
    """

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._pools: dict[Origin, Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._api_server = api_server(os.environ)
        self._reaped = float("-inf")

    def pool(self, origin: Origin, egress: Egress) -> Pool:
        """Give the origin's pool, which is made where there is none by these rules, and count it as used now."""
        pool = self._pools.get(origin)
        if pool is None or pool.egress is not egress:
            pool = self._pools[origin] = self._of_rules(origin, egress, pool)
        pool.used = self._clock()
        return pool

    def reap(self) -> None:
        """Close the connections, and the pools, that served no call for IDLE seconds, and half-closed connections."""
        now = self._clock()
        if now - self._reaped < REAP_EVERY:
            return
        self._reaped = now
        for origin, pool in list(self._pools.items()):
            if now - pool.used > IDLE:
                del self._pools[origin]
                pool.close()
            else:
                pool.reap(now)

    def close(self) -> None:
        """Close all idle connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _of_rules(self, origin: Origin, egress: Egress, pool: Pool | None) -> Pool:
        """The pool, if its rules say the same: each configuration, and each order in a child process, brings a copy."""
        if pool is not None and pool.egress == egress:
            pool.egress = egress
            return pool
        if pool is not None:
            pool.close()
        return self._made(origin, egress)

    def _made(self, origin: Origin, egress: Egress) -> Pool:
        options: dict[str, Any] = {"size": self._size, "connection_timeout": None, "network_timeout": None}
        target = (origin.host, origin.port, origin.host, origin.port)
        if origin.scheme == "https":
            pool: Pool = _TLSPool(*target, ssl_context_factory=self._context, **options)
        else:
            pool = _PlainPool(*target, **options)
        pool.idle, pool.dialer = [], Dialer()
        pool.host, pool.egress, pool.api_server = origin.host, egress, self._api_server
        return pool

    def _context(self, cafile: str | None = None) -> ssl.SSLContext:
        """One TLS context for all pools: each would load the certificate authorities again (half a megabyte)."""
        if self._tls is None:
            self._tls = gevent.ssl.create_default_context(cafile=cafile)
            # From Python 3.13 on the default: certificates must hold key identifiers, which many authorities leave out.
            self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return self._tls
