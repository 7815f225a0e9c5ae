"""One HTTP call to the broker's management API: JSON in and out, bounded in time, size and number, failures named.

The address is a tenant's: what answers there may be anything. Whatever it sends is a ``BrokerError`` at worst, and
takes a bounded amount of memory.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from merchantroute_operator.errors import RouteError, retry_after
from merchantroute_operator.rabbit.broker_errors import failure, too_large, unanswered, unreadable
from merchantroute_operator.rabbit.dialing.dialer import Dialer, JudgedResolver
from merchantroute_operator.rabbit.tls import context
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

AT_ONCE = 8  # connections; with 16, two thousand bindings took no less than the 2.2 s of 8
CONNECT = 5.0  # seconds
# Seconds for which a connection without a request is kept. RabbitMQ's server, cowboy, closes one after 5.0 (measured on
# 4.0.5; the setting is management.tcp.request_timeout), and what was sent to a connection that is closing is lost.
KEPT = 3.0
TIMEOUT = 30.0  # seconds; the largest read, 2,000 bindings, takes 0.04
LARGEST = 24 * 2**20  # bytes of an answer; 2,000 bindings take 0.3 MB
MOST_VALUES = 1_500_000  # values in an answer: for the three bytes of an empty one in a list Python takes 70
# What reading an answer of another shape than RabbitMQ's raises.
MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)

Method = Literal["GET", "PUT", "POST", "DELETE"]
# (method, seconds, whether it went well) of each call
OnCall = Callable[[str, float, bool], None]
Parsed = TypeVar("Parsed")


def ignore_call(_method: str, _seconds: float, _well: bool, /) -> None:
    """The hook where nobody counts calls."""


class Management:
    """The management API as one user of one vhost; connections are kept and opened when first needed.

    ``dialer`` judges where the address leads. Redirects are not followed: they would lead elsewhere unjudged.
    """

    def __init__(self, address: BrokerAddress, dialer: Dialer, on_call: OnCall = ignore_call) -> None:
        self.address = address
        self.is_rabbitmq = False  # True once it has answered as only RabbitMQ does
        self._dialer = dialer
        self.vhost = quote(address.vhost, safe="")
        self._on_call = on_call
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: Method,
        *path: str,
        what: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        within: float = TIMEOUT,
    ) -> Any:
        """The answer's JSON, None for an empty one. ``path`` are the segments after ``/api``, not yet quoted.

        ``within`` is in seconds.

        Raises ``NotFound`` or another ``BrokerError`` that says ``what`` could not be done, and ``SecretInvalid`` for a
        certificate that is none.
        """
        started = time.monotonic()
        status = 0
        try:
            async with asyncio.timeout(within):
                status, content, wait = await self._send(method, self._url(path, query), body)
        except RouteError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unanswered(error, what=what, uri=self.address.management_uri) from None
        except asyncio.CancelledError:
            # Closing a session cancels its look-ups of names, and aiohttp hands that on to whoever waits for one.
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            closed = ConnectionAbortedError()
            raise unanswered(closed, what=what, uri=self.address.management_uri) from None
        except Exception:  # noqa: BLE001 - an address or an answer that the library did not foresee is the broker's fault
            raise unreadable(what=what, uri=self.address.management_uri) from None
        finally:
            self._on_call(method, time.monotonic() - started, 200 <= status < 300)
        if not 200 <= status < 300:
            refused = failure(status, content, what=what, quoted=self.is_rabbitmq)
            refused.retry_after = wait
            raise refused
        return self._json(content, what) if content else None

    async def read(
        self,
        *path: str,
        what: str,
        parse: Callable[[Any], Parsed],
        query: Mapping[str, str] | None = None,
        within: float = TIMEOUT,
    ) -> Parsed:
        """What ``parse`` makes of the answer to a GET. Raises as ``call``.

        ``parse`` may raise any of ``MISSHAPEN``: an answer of another shape is a ``BrokerError``.
        """
        answer = await self.call("GET", *path, what=what, query=query, within=within)
        try:
            return parse(answer)
        except MISSHAPEN:
            raise unreadable(what=what, uri=self.address.management_uri) from None

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _url(self, path: tuple[str, ...], query: Mapping[str, str] | None) -> URL:
        segments = "/".join(quote(segment, safe="") for segment in path)
        url = f"{self.address.management_uri}/api/{segments}"
        return URL(f"{url}?{urlencode(query)}" if query else url, encoded=True)

    async def _send(self, method: Method, target: URL, body: Mapping[str, Any] | None) -> tuple[int, bytes, float]:
        """A read that met a connection's end is sent once more, on a connection that was not kept.

        aiohttp too sends a request again, and once only: on the next connection that it kept, which the server or a
        proxy may be closing as well.
        """
        await self._dialer.check(str(target.host), int(target.port or 0))
        try:
            return await self._exchange(self._open(), method, target, body)
        except aiohttp.ClientConnectorError:  # there was no connection that could have ended
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if method != "GET":
                raise
        async with self._session_of(kept=False) as fresh:
            return await self._exchange(fresh, method, target, body)

    async def _exchange(
        self, session: aiohttp.ClientSession, method: Method, target: URL, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes, float]:
        async with session.request(method, target, json=body, allow_redirects=False) as answer:
            content = bytearray()
            async for chunk in answer.content.iter_any():
                content += chunk
                if len(content) > LARGEST:
                    raise too_large(f"more than {LARGEST // 2**20} MiB", uri=self.address.management_uri)
            return answer.status, bytes(content), retry_after(answer.headers.get("Retry-After"))

    def _json(self, content: bytes, what: str) -> Any:
        if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise too_large(f"more than {MOST_VALUES} values", uri=self.address.management_uri)
        try:
            return json.loads(content)
        except MISSHAPEN:
            raise unreadable(what=what, uri=self.address.management_uri) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._session_of(kept=True)
        return self._session

    def _session_of(self, *, kept: bool) -> aiohttp.ClientSession:
        """One that keeps its connections for other requests, or one that does not."""
        address = self.address
        login = aiohttp.encode_basic_auth(address.username, address.password)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=AT_ONCE,
                ssl=_tls(address),
                resolver=JudgedResolver(self._dialer),
                keepalive_timeout=KEPT if kept else None,
                force_close=not kept,
            ),
            # Nothing is unpacked: what a few kilobytes of gzip unpack to is bounded by nobody.
            headers={"Authorization": login, "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        )


def _tls(address: BrokerAddress) -> ssl.SSLContext | bool:
    """None of its own where there is no TLS: the system's authorities take a megabyte for each user of a broker."""
    return context(address) if address.management_uri.startswith("https:") else True
