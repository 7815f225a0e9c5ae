"""Watches that the API server ends by an error begin anew; nothing else of the operator ends with them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from merchantroute_kit.waiting import until_async
from merchantroute_operator.handlers import Version, registry
from merchantroute_operator.kube.kube_port import Kube
from merchantroute_operator.watches.watch_comparison import Heard, Watches, watch
from tests.unit.operator.watches.faulty_api_server import KINDS, FaultyApiServer, error, faulty_api_server

NEVER = 3600.0  # seconds
ERRORS = [
    error(500, "etcdserver: leader changed"),
    error(504, "Timeout: Too large resource version: 20, current: 10"),
    error(429, "storage is (re)initializing"),
]


@dataclass
class Told:
    """Names of Merchants of which the watches told."""

    names: set[str] = field(default_factory=set)

    def route_changed(self, namespace: str, name: str, version: Version) -> None: ...

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None:
        (self.names.discard if gone else self.names.add)(body["metadata"]["name"])

    def deletion_missed(self, kind: str, namespace: str, name: str) -> None: ...


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyApiServer]:
    """The API server to which kopf goes."""
    async with faulty_api_server(tmp_path) as (made, kubeconfig):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield made


@asynccontextmanager
async def watching(told: Told) -> AsyncIterator[asyncio.Task[None]]:
    """The operator's watches of one namespace; no comparison is due."""
    heard = Heard()
    run = partial(watch, registry(told, heard, silence=NEVER), ["default"])
    watches = Watches(cast(Kube, None), heard, run, told.deletion_missed, every=NEVER)
    task = asyncio.create_task(watches.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def watchers() -> list[str]:
    """Kopf's tasks that watch."""
    return [each.get_name() for each in asyncio.all_tasks() if each.get_name().startswith("watcher for ")]


async def told_of(told: Told, names: set[str], task: asyncio.Task[None]) -> None:
    """Wait until the watches told of exactly these, or ended."""
    await until_async(lambda: task.done() or told.names == names, f"the watches tell of {names}")
    assert not task.done(), task
    assert told.names == names


@pytest.mark.parametrize("told_by_the_server", ERRORS, ids=lambda each: str(each["object"]["code"]))
async def test_a_watch_that_ends_by_an_error_begins_anew(
    server: FaultyApiServer, told_by_the_server: dict[str, Any]
) -> None:
    told = Told()
    server.stored["merchants"]["first"] = "1"
    server.next_events["merchants"].append(told_by_the_server)
    server.on_error = lambda: server.stored["merchants"].update(second="2")
    async with watching(told) as task:
        await told_of(told, {"first", "second"}, task)
        await until_async(lambda: len(watchers()) >= len(KINDS), "a watch of each kind")
        assert sorted(watchers()) == [
            f"watcher for {each}.v1alpha1.merchantroute.dev@default" for each in sorted(KINDS)
        ]


async def test_a_list_that_is_refused_is_asked_for_again(server: FaultyApiServer) -> None:
    told = Told()
    server.stored["merchants"]["first"] = "1"
    server.refused["merchants"] = 1
    async with watching(told) as task:
        await told_of(told, {"first"}, task)


async def test_sigterm_ends_the_watches_also_while_they_wait_to_begin_anew(
    server: FaultyApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.next_events["merchants"].append(ERRORS[0])
    async with watching(Told()) as task:
        await until_async(
            lambda: task.done() or "started again in" in caplog.text, "the watches have ended by an error"
        )
        os.kill(os.getpid(), signal.SIGTERM)
        await until_async(task.done, "the watches end")
        assert task.exception() is None
