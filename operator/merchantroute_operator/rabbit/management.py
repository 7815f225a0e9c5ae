"""One HTTP call to the broker's management API: JSON in and out, bounded in time and number, failures named."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from merchantroute_operator.rabbit.broker_errors import failure, unanswered
from merchantroute_operator.rabbit.tls import context
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

AT_ONCE = 8  # connections; with 16, two thousand bindings took no less than the 2.2 s of 8
CONNECT = 5.0  # seconds
TIMEOUT = 30.0  # seconds; the largest read, 2,000 bindings, takes 0.04

Method = Literal["GET", "PUT", "POST", "DELETE"]
# (method, seconds, whether it went well) of each call
OnCall = Callable[[str, float, bool], None]


def ignore_call(_method: str, _seconds: float, _well: bool, /) -> None:
    """The hook where nobody counts calls."""


class Management:
    """The management API as one user of one vhost; connections are kept and opened when first needed."""

    def __init__(self, address: BrokerAddress, on_call: OnCall = ignore_call) -> None:
        self.address = address
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
    ) -> Any:
        """The answer's JSON, None for an empty one. ``path`` are the segments after ``/api``, not yet quoted.

        Raises ``NotFound`` or another ``BrokerError`` that says ``what`` could not be done.
        """
        started = time.monotonic()
        status = 0
        try:
            status, text = await self._send(method, path, body, query)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unanswered(error, what=what, uri=self.address.management_uri) from None
        except asyncio.CancelledError:
            # Closing a session cancels its look-ups of names, and aiohttp hands that on to whoever waits for one.
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            closed = ConnectionAbortedError()
            raise unanswered(closed, what=what, uri=self.address.management_uri) from None
        finally:
            self._on_call(method, time.monotonic() - started, 200 <= status < 300)
        if not 200 <= status < 300:
            raise failure(status, text, what=what)
        return json.loads(text) if text else None

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, method: Method, path: tuple[str, ...], body: Mapping[str, Any] | None, query: Mapping[str, str] | None
    ) -> tuple[int, str]:
        segments = "/".join(quote(segment, safe="") for segment in path)
        url = f"{self.address.management_uri}/api/{segments}"
        if query:
            url = f"{url}?{urlencode(query)}"
        async with (
            asyncio.timeout(TIMEOUT),
            self._open().request(method, URL(url, encoded=True), json=body, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.text()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            address = self.address
            login = aiohttp.encode_basic_auth(address.username, address.password)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=context(address)),
                headers={"Authorization": login},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            )
        return self._session
