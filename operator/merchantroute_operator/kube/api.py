"""One HTTP call to the API server: plain JSON in and out, bounded in time, failures named.

``kubernetes.aio`` brings the connection, TLS and a token that is read anew every minute. Its typed models would cost
more than the calls, and its dynamic client keeps a discovery cache in the file system, which is read-only here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import aiohttp
from kubernetes.aio.client.api_client import ApiClient

from merchantroute_operator.errors import KubeError, retry_after
from merchantroute_operator.kube.api_errors import failure, unanswered
from merchantroute_operator.kube.kube_port import Object

TIMEOUT = 20.0  # seconds; the largest read, a route's children, takes well under one
CONNECT = 10.0  # seconds, of a watch
READS_AT_ONCE = 16  # a pass asks for eight lists at a time, and dozens of passes begin at once when the operator starts
JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
LONGEST_LINE = 8 * 2**20  # bytes of one event of a watch; the API server stores no object that is larger

Method = Literal["GET", "POST", "PATCH", "DELETE"]
# (method, kind, seconds, whether it went well) of each call
OnCall = Callable[[str, str, float, bool], None]


def ignore_call(_method: str, _kind: str, _seconds: float, _well: bool, /) -> None:
    """The hook where nobody counts calls."""


class Api:
    """An API server. ``client`` is the library's, open; ``on_call`` is called after every call, for metrics."""

    def __init__(self, client: ApiClient, on_call: OnCall = ignore_call) -> None:
        self.client = client
        self._on_call = on_call
        self._dated: tuple[str, float] | None = None  # the last answer's date, and when (monotonic) it came
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    def server_time(self) -> float | None:
        """The API server's clock in epoch seconds, whole ones; None where no answer had a date."""
        if self._dated is None:
            return None
        date, came = self._dated
        try:
            return parsedate_to_datetime(date).timestamp() + time.monotonic() - came
        except ValueError:
            return None

    async def call(
        self,
        method: Method,
        path: str,
        *,
        kind: str,
        name: str,
        body: Object | None = None,
        content_type: str = JSON,
        query: Mapping[str, str] | None = None,
        waits: bool = True,
    ) -> Object:
        """The answer's JSON. Raises ``NotFound`` or another ``KubeError`` that names ``kind`` and ``name``.

        A GET waits for its turn among the reads that are under way, unless ``waits`` is false.
        """
        turn = self._reads if method == "GET" and waits else contextlib.nullcontext()
        async with turn:
            return await self._counted(method, path, kind, name, (body, content_type, query, JSON))

    async def page(self, path: str, *, kind: str, query: Mapping[str, str], metadata_only: bool = False) -> Object:
        """One page of a list; with ``metadata_only`` of nothing but the objects' metadata. Raises as ``call``."""
        accept = _METADATA_LIST if metadata_only else JSON
        async with self._reads:
            return await self._counted("GET", path, kind, "*", (None, JSON, query, accept))

    async def stream(
        self, path: str, *, kind: str, query: Mapping[str, str], metadata_only: bool, silent: float
    ) -> AsyncIterator[bytes]:
        """The lines of a watch, until the API server ends it. Raises as ``call``, and the connection's own errors.

        ``TimeoutError`` after so many seconds without a byte (``silent``).
        """
        accept = _METADATA if metadata_only else JSON
        request = await self._request("GET", path, None, JSON, query, accept)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silent)
        sent = dict(zip(("method", "url", "header_params", "body", "post_params"), request, strict=True))
        answer: aiohttp.ClientResponse = (await self.client.call_api(**sent, _request_timeout=timeout)).response
        async with answer:
            if answer.status != 200:
                refused = failure(answer.status, await answer.read(), kind=kind, name="*")
                refused.retry_after = retry_after(answer.headers.get("Retry-After"))
                raise refused
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
                if len(rest) > LONGEST_LINE:
                    raise KubeError(f"{kind}: an event of the watch is larger than {LONGEST_LINE} bytes")

    async def _counted(
        self,
        method: Method,
        path: str,
        kind: str,
        name: str,
        sent: tuple[Object | None, str, Mapping[str, str] | None, str],
    ) -> Object:
        started = time.monotonic()
        status = 0
        try:
            status, content, wait = await self._send(await self._request(method, path, *sent))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unanswered(error, kind=kind, name=name) from None
        finally:
            self._on_call(method, kind, time.monotonic() - started, 200 <= status < 300)
        if not 200 <= status < 300:
            refused = failure(status, content, kind=kind, name=name)
            refused.retry_after = wait
            raise refused
        answer: Object = json.loads(content)
        return answer

    async def _send(self, request: tuple[Any, ...]) -> tuple[int, bytes, float]:
        """Status, body, and the seconds that a server which is overloaded (429, 503) asks to be left alone for."""
        async with asyncio.timeout(TIMEOUT):
            answer: Any = await self.client.call_api(*request)
            if date := answer.headers.get("Date"):
                self._dated = date, time.monotonic()
            return answer.status, await answer.read(), retry_after(answer.headers.get("Retry-After"))

    async def _request(
        self,
        method: Method,
        path: str,
        body: Object | None,
        content_type: str,
        query: Mapping[str, str] | None,
        accept: str,
    ) -> tuple[Any, ...]:
        """What ``call_api`` takes; the token is read anew when it is a minute old."""
        request: tuple[Any, ...] = await self.client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        return request
