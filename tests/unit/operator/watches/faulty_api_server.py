"""An API server in the place of a real one, whose watches bring what a test wants, errors too."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

GROUP = "/apis/merchantroute.dev/v1alpha1"
KINDS = {"merchantroutes": "MerchantRoute", "merchants": "Merchant"}
Event = dict[str, Any]


def error(code: int, message: str) -> Event:
    """What an API server sends before it ends a watch that it cannot go on with."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return {"type": "ERROR", "object": {**status, "message": message, "reason": "InternalError"}}


@dataclass
class FaultyApiServer:
    """Lists ``stored`` (resource, then name and version); a watch tells one of ``next_events`` and ends, or is silent.

    So many lists as ``refused`` has, by their resource, are answered with 403. ``on_error`` is called after an event.
    """

    stored: dict[str, dict[str, str]] = field(default_factory=lambda: {each: {} for each in KINDS})
    next_events: dict[str, deque[Event]] = field(default_factory=lambda: {each: deque() for each in KINDS})
    refused: Counter[str] = field(default_factory=Counter)
    on_error: Callable[[], None] = lambda: None
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        """Its routes: discovery, and one namespace of the project's own kinds."""
        made = web.Application()
        named = [{"name": each, "singularName": kind.lower(), "kind": kind} for each, kind in KINDS.items()]
        rows = [{**each, "namespaced": True, "verbs": ["list", "watch", "patch"]} for each in named]
        namespaces = {**rows[0], "name": "namespaces", "singularName": "namespace", "kind": "Namespace"}
        version = {"groupVersion": "merchantroute.dev/v1alpha1", "version": "v1alpha1"}
        group = {"name": "merchantroute.dev", "versions": [version], "preferredVersion": version}
        for path, answer in (
            ("/api", {"versions": ["v1"]}),
            ("/api/v1", {"resources": [namespaces]}),
            ("/apis", {"groups": [group]}),
            (GROUP, {"resources": rows}),
        ):
            made.router.add_get(path, _always(answer))
        made.router.add_get(f"{GROUP}/namespaces/default/{{resource}}", self._list_or_watch)
        return made

    async def _list_or_watch(self, request: web.Request) -> web.StreamResponse:
        resource = request.match_info["resource"]
        if "watch" in request.query:
            return await self._watch(request, resource)
        if self.refused[resource]:
            self.refused[resource] -= 1
            return web.json_response({"kind": "Status", "code": 403, "message": "forbidden"}, status=403)
        items = [_body(resource, name, version) for name, version in self.stored[resource].items()]
        return web.json_response({"kind": "List", "metadata": {"resourceVersion": "10"}, "items": items})

    async def _watch(self, request: web.Request, resource: str) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        if self.next_events[resource]:
            await stream.write(json.dumps(self.next_events[resource].popleft()).encode() + b"\n")
            self.on_error()
        else:
            await self.ending.wait()
        return stream


@asynccontextmanager
async def faulty_api_server(folder: Path) -> AsyncIterator[tuple[FaultyApiServer, Path]]:
    """One that listens on loopback, and a kubeconfig that leads to it."""
    server = FaultyApiServer()
    runner = web.AppRunner(server.application(), shutdown_timeout=5.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    kubeconfig = folder / "kubeconfig"
    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
        "users": [{"name": "it", "user": {"token": "t"}}],
    }
    kubeconfig.write_text(yaml.safe_dump(document))
    try:
        yield server, kubeconfig
    finally:
        server.ending.set()
        await runner.cleanup()


def _always(answer: Any) -> Any:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    return handle


def _body(resource: str, name: str, version: str) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name, "uid": name, "generation": 1, "resourceVersion": version}
    return {"apiVersion": "merchantroute.dev/v1alpha1", "kind": KINDS[resource], "metadata": metadata, "spec": {}}
