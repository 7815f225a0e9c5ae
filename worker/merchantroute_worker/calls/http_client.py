"""HTTP calls over kept-alive connections, one bounded pool per origin.

Built on geventhttpclient's connection pools and its C parser, below its client class: that one would repeat a GET as
often as its pool has connections. Here a request is sent once, and once more only when a kept-alive connection turns
out to be closed before a byte of the answer came. No proxies, no redirects, no environment. Time is the caller's:
a `gevent.Timeout` around `call` bounds it from name resolution to the last byte, and costs the connection.

A time-out can only come when the hub turns. So an answer is read in blocks that take a few milliseconds to parse, with
a turn of the hub after each, and what makes a parser work hard for few bytes is bounded: headers, and chunks of a body.
Nothing is decompressed (we ask for `identity`, and drop bodies unread), so bytes on the wire are all there is to cap.
"""

import ssl
import threading
import time
from collections.abc import Callable
from select import POLLIN
from typing import Any, NamedTuple, Protocol

import gevent
import gevent.socket
from gevent import monkey
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.calls.response_parser import Enough, HTTPParseError, ResponseParser
from merchantroute_worker.calls.retry_after import retry_after_header

_READ = 1  # libev's EV_READ
# Not gevent's, which starts a watcher each time: with a time-out of zero nothing waits.
_poll = monkey.get_original("select", "poll")
LONGEST_ANSWER = 1024 * 1024
LONGEST_HEAD = 64 * 1024
BLOCK = 16 * 1024
IDLE = 60.0


class Reply(NamedTuple):
    """Status and Retry-After; the body was read and dropped."""

    status: int
    retry_after: str | None


class Client(Protocol):
    """Who makes the calls of a pod."""

    def call(self, request: Request) -> Reply:
        """Send the request and read the whole answer. OSError (ssl.SSLError is one) when there is none."""

    def reap(self) -> None:
        """Close what nobody used for a while."""

    def close(self) -> None:
        """Close all connections that are idle."""


class _Connection:
    """One connection. `kept` says that it has served a request before. Whether it is still open is asked by poll, since
    select cannot see descriptors above 1,023; nothing is to be read from an idle one.
    """

    __slots__ = ("_coming", "_hub", "_poll", "kept", "sock")

    def __init__(self, sock: Any, *, plain: bool) -> None:
        self.sock = sock
        self.kept = False
        self._poll = _poll()
        self._poll.register(sock.fileno(), POLLIN)
        self._hub = gevent.get_hub()
        self._coming = self._hub.loop.io(sock.fileno(), _READ) if plain else None

    def alive(self) -> bool:
        return self.sock.fileno() >= 0 and not self._poll.poll(0)

    def wait(self) -> None:
        """Wait for an answer, before the kernel is asked for it in vain. What TLS has read ahead no kernel knows of."""
        if self._coming is not None:
            self._hub.wait(self._coming)

    def close(self) -> None:
        if self._coming is not None:
            self._coming.close()
        self.sock.close()


class _Pool:
    """What our pools do differently: the connection used last is the first to be used again, and known to be kept."""

    idle: list[_Connection]
    plain = True
    _semaphore: Any
    _closed: bool

    def take(self, *, new: bool) -> _Connection:
        """A connection; waits for one where all are in use. A `new` one stands in for one that is idle."""
        self._semaphore.acquire()
        try:
            while self.idle:
                line = self.idle.pop()
                if not new and line.alive():
                    return line
                line.close()
                if new:
                    break
            return _Connection(self._create_socket(), plain=self.plain)  # type: ignore[attr-defined]
        except BaseException:
            self._semaphore.release()
            raise

    def give(self, line: _Connection, *, keep: bool) -> None:
        """It is through with its request; `keep` says that it can serve another."""
        if keep and not self._closed:
            line.kept = True
            self.idle.append(line)
        else:
            line.close()
        self._semaphore.release()

    def close(self) -> None:
        """Close those that are idle, and those in use once they are through."""
        self._closed = True
        while self.idle:
            self.idle.pop().close()


class _Plain(_Pool, ConnectionPool):
    """Connections to an http origin."""


class _Encrypted(_Pool, SSLConnectionPool):
    """Connections to an https origin."""

    plain = False

    def _connect_socket(self, sock: Any, address: Any) -> Any:
        sock.connect(address)
        name = self._request_host
        encrypted = self.ssl_context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        try:
            encrypted.do_handshake()
        except BaseException:
            # A time-out is one. gevent closes after OSErrors only: the descriptor would stay until garbage collection.
            encrypted.close()
            raise
        return encrypted


class HttpClient:
    """Calls merchants. `size` bounds the connections to one origin."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._pools: dict[Origin, tuple[Any, list[float]]] = {}
        self._tls: ssl.SSLContext | None = None

    def call(self, request: Request) -> Reply:
        """Send the request and read the whole answer. OSError (ssl.SSLError is one) when there is none."""
        pool, used = self._pool(request.origin)
        used[0] = self._clock()
        try:
            return self._once(pool, request)
        except _Stale:
            # The others may be as stale: who closes one often closes all.
            return self._once(pool, request, new=True)

    def reap(self) -> None:
        """Close the pools that nobody used for a while."""
        now = self._clock()
        for origin, (pool, used) in list(self._pools.items()):
            if now - used[0] > IDLE:
                del self._pools[origin]
                pool.close()

    def close(self) -> None:
        """Close all connections that are idle."""
        for pool, _ in self._pools.values():
            pool.close()
        self._pools.clear()

    def _pool(self, origin: Origin) -> tuple[Any, list[float]]:
        known = self._pools.get(origin)
        if known is None:
            options: dict[str, Any] = {"size": self._size, "connection_timeout": None, "network_timeout": None}
            where = (origin.host, origin.port, origin.host, origin.port)
            pool = (
                _Encrypted(*where, ssl_context_factory=self._context, **options)
                if origin.scheme == "https"
                else _Plain(*where, **options)
            )
            pool.idle = []
            known = self._pools[origin] = (pool, [self._clock()])
        return known

    def _context(self, cafile: str | None = None) -> ssl.SSLContext:
        """One context for all: each would load the authorities' certificates again (half a megabyte)."""
        if self._tls is None:
            self._tls = gevent.ssl.create_default_context(cafile=cafile)
        return self._tls

    def _once(self, pool: Any, request: Request, *, new: bool = False) -> Reply:
        line = pool.take(new=new)
        keep = False
        try:
            reply, keep = _exchange(line, request)
            return reply
        except HTTPParseError as error:
            raise ConnectionResetError(f"the merchant's answer is no HTTP: {error}") from error
        finally:
            pool.give(line, keep=keep)


class _Stale(ConnectionResetError):
    """The merchant had closed the kept-alive connection."""


def _send(sock: Any, message: bytes) -> None:
    sent = sock.send(message)
    if sent < len(message):
        # Only then: gevent's `sendall` asks the kernel for the size of its buffer first.
        sock.sendall(message[sent:])


def _ask(line: _Connection, request: Request) -> bytes:
    """Send the request, and give the first bytes of its answer."""
    try:
        _send(line.sock, request.head + request.body)
        line.wait()
        data: bytes = line.sock.recv(BLOCK)
    except ConnectionError as error:
        if line.kept:
            raise _Stale from error
        raise
    if not data and line.kept:
        raise _Stale
    return data


def _exchange(line: _Connection, request: Request) -> tuple[Reply, bool]:
    """One request and its answer; says whether the connection can serve another."""
    data = _ask(line, request)
    answer = ResponseParser()
    head, size = data, 0
    while data:
        try:
            answer.feed(data)
        except Enough:
            return _reply(answer, head), False
        size += len(data)
        if answer.headed and answer.complete:
            return _reply(answer, head), answer.should_keep_alive() and not answer.parser_failed()
        if size > LONGEST_HEAD and not answer.headed:
            raise HTTPParseError("the answer's headers do not end")
        if size > LONGEST_ANSWER:
            return _reply(answer, head), False
        # A socket that has bytes gives them without a turn of the hub, and without one no time-out can come.
        gevent.sleep(0)
        data = line.sock.recv(BLOCK)
        if not answer.headed:
            head += data
    answer.feed(b"")
    if answer.complete and answer.headed and answer.get_code() >= 200:
        return _reply(answer, head), False
    raise ConnectionResetError("the merchant closed the connection within its answer")


def _reply(answer: ResponseParser, head: bytes) -> Reply:
    """`head` holds the bytes that the answer's headers are in."""
    status = answer.get_code()
    return Reply(status, None if 200 <= status < 300 else retry_after_header(head))


class ThreadsClient:
    """A client for each native thread: sockets of gevent belong to the thread whose hub waits for them."""

    def __init__(self) -> None:
        self._local = threading.local()

    def call(self, request: Request) -> Reply:
        """As `Client` says. Idle connections are closed by the next call of their thread."""
        client: HttpClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = HttpClient(1)
        client.reap()
        return client.call(request)

    def reap(self) -> None:
        """Nothing that another thread may do."""

    def close(self) -> None:
        """They end with their threads."""
