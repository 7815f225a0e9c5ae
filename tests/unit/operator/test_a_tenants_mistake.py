"""One tenant's Secret leads to something that is no broker: that route says so, and the operator's loops go on."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from merchantroute_operator.kube.kube_port import SecretData
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from tests.harness.dialing import loopback
from tests.unit.operator.fake_ports import MemoryKube
from tests.unit.operator.operator_under_test import KEY, with_finalizer
from tests.unit.operator.rabbit.odd_server import OddServer
from tests.unit.operator.route_samples import CLUSTER, raw_route

PAGE = b"<html>Welcome to nginx!</html>"


@asynccontextmanager
async def operating(
    server: OddServer, uri: str
) -> AsyncIterator[tuple[MemoryKube, Reconciler, list[asyncio.Task[None]]]]:
    """The operator's loops, unguarded, over one route whose management_uri is ``uri``; ``{port}`` is the server's."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = str(listening.sockets[0].getsockname()[1])
    kube = MemoryKube([], with_finalizer(raw_route()))
    data = {
        "host": "127.0.0.1",
        "port": port,
        "username": "u",
        "password": "p4ss",
        "management_uri": uri.format(port=port),
    }
    kube.secrets["rabbitmq"] = SecretData("rabbitmq", {}, {key: value.encode() for key, value in data.items()})
    board = PulseBoard(time.monotonic)
    pool = BrokerPool("mr-pulses.c", board.put, loopback())
    ctx = Context(kube, pool, board, CLUSTER, 25.0, time.monotonic, time.time)
    reconciler = Reconciler(ctx)
    scaler = Scaler(ctx, reconciler.states, touch=reconciler.touch, update_status=reconciler.queue.add, tick=0.01)
    loops = [asyncio.create_task(loop) for loop in (reconciler.queue.run(4), scaler.run())]
    reconciler.touch(KEY, 0)
    try:
        yield kube, reconciler, loops
    finally:
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await pool.close()
        listening.close()


@pytest.mark.parametrize(
    ("uri", "body", "headers", "reason", "words"),
    [
        ("http://127.0.0.1:{port}", PAGE, (), "BrokerError", "is not RabbitMQ's management API"),
        ("http://127.0.0.1:{port}", b'{"error": "nope"}', (), "BrokerError", "is not RabbitMQ's management API"),
        (
            "http://127.0.0.1:{port}",
            gzip.compress(b"[]", mtime=0),
            ("Content-Encoding: gzip",),
            "BrokerError",
            "compress in its",
        ),
        ("http://127.0.0.1:port", PAGE, (), "SecretInvalid", "management_uri is no address, or its port is none"),
        ("rabbit:15672", PAGE, (), "SecretInvalid", "management_uri is no http:// or https:// address"),
        ("http://127.0.0.1:{port}/?x", PAGE, (), "SecretInvalid", "management_uri has a query"),
    ],
)
async def test_the_route_says_what_is_wrong_and_nothing_ends(
    uri: str, body: bytes, headers: tuple[str, ...], reason: str, words: str
) -> None:
    server = OddServer()
    server.say(body, *headers)
    async with operating(server, uri) as (kube, _, loops), asyncio.timeout(20):
        while not kube.status or (reason == "BrokerError" and len(server.asked) < 6):  # several ticks have asked too
            await asyncio.sleep(0.001)
        ready = next(each for each in kube.status["conditions"] if each["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("False", reason)
        assert words in ready["message"]
        assert "p4ss" not in str((kube.status, kube.events))
        assert not [loop for loop in loops if loop.done()]
