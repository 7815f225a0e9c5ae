"""HTTP/1.1 client for calls to merchants, over kept-alive connections.

A request is sent once. Only a repeatable one is sent a second time, when a kept-alive connection turns out to be closed
before a byte of the response came: the merchant may have executed the first one. An error of `call` that says that
nobody was reached (ConnectionRefusedError, socket.gaierror, ForbiddenAddress) means that nothing was sent; whatever
goes wrong once something was is a ConnectionResetError, a TimeoutError or an ssl.SSLError. No proxies, no redirects, no
environment. The caller bounds the time: a time-out raised in the greenlet of `call` covers everything from name
resolution to the last byte, and its connection is closed.

A time-out is raised only when the hub runs. So a response is read in blocks that take a few milliseconds to
parse, with a hub turn after each, and input that costs the parser much work for few bytes is limited: headers, and
chunks of a body. Nothing is decompressed (requests ask for `identity`, and bodies are dropped unread), so a limit on
bytes received limits everything.

A complete response counts, whatever follows it. What the parser refuses is looked at again by a lenient one.
"""

import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

import gevent

from merchantroute_worker.calls import lenient_parser
from merchantroute_worker.calls.connections import Connection, ConnectionPools, Pool
from merchantroute_worker.calls.request import Request
from merchantroute_worker.calls.response_parser import BodyTooFragmented, HTTPParseError, ResponseParser
from merchantroute_worker.calls.retry_after import retry_after_header
from merchantroute_worker.calls.templated.kept_response import KeptResponseParser
from merchantroute_worker.orders.steps.captures import AnswerContent

LONGEST_ANSWER = 1024 * 1024
LONGEST_HEAD = 64 * 1024
BLOCK = 16 * 1024


class Reply(NamedTuple):
    """A response's status and Retry-After; its body was read and dropped, unless the request said to keep it."""

    status: int
    retry_after: str | None
    content: AnswerContent | None = None


class Client(Protocol):
    """An HTTP client of a pod."""

    def call(self, request: Request) -> Reply:
        """Send the request and read the whole response. OSError (ssl.SSLError is one) when there is none."""

    def reap(self) -> None:
        """Close connections that served no call for a while."""

    def close(self) -> None:
        """Close all idle connections."""


class HttpClient:
    """Calls merchants. `size` bounds the connections to one origin; `clock` is monotonic seconds."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = ConnectionPools(size, clock)

    def call(self, request: Request) -> Reply:
        """Send the request and read the whole response. OSError (ssl.SSLError is one) when there is none."""
        pool = self._pools.pool(request.origin, request.egress)
        try:
            return self._once(pool, request)
        except _Stale:
            pool.reuses = 0
            if not request.repeatable:
                raise
        return self._again(pool, request)

    def _again(self, pool: Pool, request: Request) -> Reply:
        """Send it on a new connection: the other kept ones may be closed too, since servers often close all at once."""
        try:
            return self._once(pool, request, new=True)
        except OSError as error:
            # Also where nobody can be reached any more: the merchant may have executed the first one.
            raise ConnectionResetError(f"{_CLOSED}, and sending it again failed: {error}") from error

    def reap(self) -> None:
        """Close the connections that served no call for a while, and those that their merchants closed."""
        self._pools.reap()

    def close(self) -> None:
        """Close all idle connections."""
        self._pools.close()

    def _once(self, pool: Pool, request: Request, *, new: bool = False) -> Reply:
        connection = pool.acquire(new=new)
        keep = False
        try:
            reply, keep = _exchange(connection, request)
            return reply
        except HTTPParseError as error:
            raise ConnectionResetError(f"the merchant's answer is no HTTP: {error.args[0]}") from error
        except (ConnectionResetError, TimeoutError, ssl.SSLError):
            raise
        except OSError as error:
            # The network may report anything late, such as EHOSTUNREACH; these classes mean that nothing was sent.
            raise ConnectionResetError(f"the connection broke after the request was sent: {error}") from error
        finally:
            pool.release(connection, keep=keep)


_CUT_OFF = "the merchant closed the connection within its answer"
_CLOSED = "the merchant closed the kept connection after the request was sent"


class _Stale(ConnectionResetError):
    """The merchant closed the kept-alive connection before a byte of its response."""


def _first_block(connection: Connection, request: Request) -> bytes:
    """Send the request, and receive the first bytes of its response."""
    sock, message = connection.sock, request.head + request.body
    try:
        sent = sock.send(message)
        if sent < len(message):
            # Only for the rest: gevent's `sendall` asks the kernel for the size of its buffer first.
            sock.sendall(message[sent:])
        connection.wait_readable()
        data: bytes = sock.recv(BLOCK)
    except ConnectionError as error:
        if connection.kept:
            raise _Stale(_CLOSED) from error
        raise
    if not data and connection.kept:
        raise _Stale(_CLOSED)
    return data


def _exchange(connection: Connection, request: Request) -> tuple[Reply, bool]:
    """One request and its response; the bool says whether the connection can serve another."""
    data = _first_block(connection, request)
    parser = KeptResponseParser() if request.keep else ResponseParser()
    received, size = [data], 0
    while data:
        size += len(data)
        try:
            parser.feed(data)
        except BodyTooFragmented:
            return _reply(parser, received, whole=False), False
        except HTTPParseError as error:
            return _refused(parser, received, error, lambda: _receive(connection)), False
        if parser.headed and parser.complete:
            return _reply(parser, received), parser.should_keep_alive() and not parser.parser_failed()
        if size > LONGEST_HEAD and not parser.headed:
            raise HTTPParseError("the answer's headers do not end")
        if size > LONGEST_ANSWER:
            return _reply(parser, received, whole=False), False
        data = _receive(connection)
        if size <= LONGEST_HEAD:
            received.append(data)
    return _ended(parser, received), False


def _receive(connection: Connection) -> bytes:
    # A recv that finds bytes returns without a hub turn, and without one no time-out is raised.
    gevent.sleep(0)
    data: bytes = connection.sock.recv(BLOCK)
    return data


def _ended(parser: ResponseParser, received: list[bytes]) -> Reply:
    """The reply of a response at whose end the connection was closed."""
    if not received[0]:
        raise ConnectionResetError("the merchant closed the connection without an answer")
    try:
        parser.feed(b"")
    except HTTPParseError as error:
        if parser.headed:
            with suppress(HTTPParseError):
                return _refused(parser, received, error, bytes)
    else:
        if parser.complete and parser.headed and parser.status >= 200:
            return _reply(parser, received)
    raise ConnectionResetError(_CUT_OFF)


def _refused(
    parser: ResponseParser, received: list[bytes], error: HTTPParseError, receive: Callable[[], bytes]
) -> Reply:
    """The reply of a response that the parser refused: complete before what it refused, or read by a lenient one."""
    if parser.headed and parser.complete:
        return _reply(parser, received)
    data = b"".join(received)
    if len(data) > LONGEST_HEAD:
        raise error
    try:
        status, wait, content = lenient_parser.read(data, receive, LONGEST_HEAD)
    except lenient_parser.Unreadable:
        raise error from None
    kept = content if isinstance(parser, KeptResponseParser) else None
    return Reply(status, None if 200 <= status < 300 else wait, kept)


def _reply(parser: ResponseParser, received: list[bytes], *, whole: bool = True) -> Reply:
    """The reply of a parsed response; `received` are the bytes that its headers are in, and some of its body."""
    status = parser.status
    content = parser.content(whole=whole) if isinstance(parser, KeptResponseParser) else None
    return Reply(status, None if 200 <= status < 300 else retry_after_header(b"".join(received)), content)


class ThreadsClient:
    """A client for each native thread: a gevent socket belongs to the thread whose hub waits for it."""

    def __init__(self) -> None:
        self._local = threading.local()

    def call(self, request: Request) -> Reply:
        """Call as `Client` says. Idle connections are closed by the next call of their thread."""
        client: HttpClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = HttpClient(1)
        client.reap()
        return client.call(request)

    def reap(self) -> None:
        """Do nothing: no other thread may close a thread's connections."""

    def close(self) -> None:
        """Do nothing: the connections end with their threads."""
