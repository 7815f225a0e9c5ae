"""One HTTP call to the API server: plain JSON in and out, bounded in time, failures named.

``kubernetes.aio`` brings the connection, TLS and a token that is read anew every minute. Its typed models would cost
more than the calls, and its dynamic client keeps a discovery cache in the file system, which is read-only here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import aiohttp
from kubernetes.aio.client.api_client import ApiClient

from merchantroute_operator.errors import retry_after
from merchantroute_operator.kube.api_errors import failure, unanswered
from merchantroute_operator.kube.kube_port import Object

TIMEOUT = 20.0  # seconds; the largest read, a route's children, takes well under one
JSON = "application/json"
MERGE = "application/merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"  # of a list: no more of each object
APPLY = "application/apply-patch+yaml"  # JSON is YAML

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
        accept: str = JSON,
    ) -> Object:
        """The answer's JSON. Raises ``NotFound`` or another ``KubeError`` that names ``kind`` and ``name``."""
        started = time.monotonic()
        status = 0
        try:
            status, content, wait = await self._send(method, path, body, (accept, content_type), query)
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

    async def _send(
        self,
        method: Method,
        path: str,
        body: Object | None,
        types: tuple[str, str],
        query: Mapping[str, str] | None,
    ) -> tuple[int, bytes, float]:
        """Status, body, and the seconds that a server which is overloaded (429, 503) asks to be left alone for."""
        request: tuple[Any, ...] = await self.client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=dict(zip(("Accept", "Content-Type"), types, strict=True)),
            body=body,
            auth_settings=["BearerToken"],
        )
        async with asyncio.timeout(TIMEOUT):
            answer: Any = await self.client.call_api(*request)
            if date := answer.headers.get("Date"):
                self._dated = date, time.monotonic()
            return answer.status, await answer.read(), retry_after(answer.headers.get("Retry-After"))
