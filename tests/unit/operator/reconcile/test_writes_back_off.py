"""What is done at each tick and fails is tried again later each time, and not before the server's own wish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest

from merchantroute_operator.errors import BrokerUnreachable, KubeError
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.topology.objects import QueueSample
from tests.unit.operator.merchant_samples import raw_merchant
from tests.unit.operator.operator_under_test import DOOR
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet, fleet

LEFT_ALONE = 42.0  # seconds


def too_many() -> KubeError:
    error = KubeError("the API server answered 429")
    error.retry_after = LEFT_ALONE
    return error


def moments(world: Fleet, calls: list[float], *, seconds: float) -> list[float]:
    """When it was tried, from the first try on."""
    end = world.at + seconds
    while world.at < end:
        world.tick(1.0)
        world.look()
    return [at - calls[0] for at in calls]


def test_a_number_of_pods_that_cannot_be_written_waits_for_as_long_as_the_api_server_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fleet()
    calls: list[float] = []

    async def scale(namespace: str, deployment: str, replicas: int) -> None:
        calls.append(world.at)
        raise too_many()

    monkeypatch.setattr(world.kube, "scale", scale)
    world.broker.held = {f"{DOOR}.standard.stable": 10_000}
    assert moments(world, calls, seconds=50.0) == [0.0, LEFT_ALONE]


def test_a_status_that_cannot_be_written_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet()
    calls: list[float] = []

    async def write(route: Object, status: Object) -> str:
        calls.append(world.at)
        raise too_many()

    monkeypatch.setattr(world.kube, "write_status", write)
    world.broker.held = {f"{DOOR}.dead": 10_000}
    assert moments(world, calls, seconds=60.0) == [0.0, LEFT_ALONE]


def test_a_broker_whose_figures_cannot_be_read_is_asked_less_often_and_at_once_when_it_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fleet()
    calls: list[float] = []

    async def samples() -> Mapping[str, QueueSample]:
        calls.append(world.at)
        raise BrokerUnreachable("no answer")

    monkeypatch.setattr(world.broker, "samples", samples)
    world.tick(1.0, times=100)
    assert 10 <= len(calls) <= 20
    monkeypatch.undo()
    world.tick(1.0, times=13)
    calls.clear()
    monkeypatch.setattr(world.broker, "samples", samples)
    world.tick(1.0)
    assert len(calls) == 1


def test_merchants_statuses_wait_for_as_long_as_the_api_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet()
    world.kube.claims["hut"] = raw_merchant("hut")
    world.reconciler.merchant_changed(world.kube.claims["hut"], gone=False)
    world.look()
    writer = world.reconciler.status_writer
    assert writer.waiting == 1

    async def write(namespace: str, name: str, version: int, status: Object) -> Object | None:
        raise too_many()

    monkeypatch.setattr(world.kube, "write_merchant_status", write)
    before = time.monotonic()
    asyncio.run(writer.write_one())
    assert writer._next >= before + LEFT_ALONE
