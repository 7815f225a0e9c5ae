"""A call of the API server goes through the environment's proxy where there is one, and never through a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from merchantroute_operator.kube.client import connect
from tests.unit.operator.rabbit.odd_server import OddServer

ROUTE = b'{"metadata": {"name": "pos"}}'


class Asked(OddServer):
    """Answers with a route; ``heads`` are the first lines of what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.say(ROUTE)
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode().splitlines()[0])
        writer.write(self.raw)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Asked, str]]:
    server = Asked()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


def kubeconfig(folder: Path, server: str) -> str:
    named = {"name": "here"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{**named, "cluster": {"server": server}}],
        "users": [{**named, "user": {"token": "t"}}],
        "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    return str(folder / "kubeconfig")


async def test_the_environments_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (proxy, at):
        monkeypatch.setenv("http_proxy", at)
        monkeypatch.setenv("no_proxy", "other.example")
        async with connect(kubeconfig(tmp_path, "http://api.example:6443")) as kube:
            assert await kube.route("orders", "pos") == json.loads(ROUTE)
        assert proxy.heads[0].startswith("GET http://api.example:6443/apis/")


async def test_a_server_that_needs_none_is_called_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (server, at):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with connect(kubeconfig(tmp_path, at)) as kube:
            assert await kube.route("orders", "pos") == json.loads(ROUTE)
        assert server.heads[0].startswith("GET /apis/")


async def test_a_call_takes_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (_, at), connect(kubeconfig(tmp_path, at)) as kube:
        loop, jobs = asyncio.get_running_loop(), list[str]()
        run = loop.run_in_executor

        def counted(executor: None, job: object, *of: object) -> object:
            jobs.append(str(job))
            return run(executor, job, *of)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "run_in_executor", counted)
        assert await kube.route("orders", "pos") == json.loads(ROUTE)
        assert not jobs
