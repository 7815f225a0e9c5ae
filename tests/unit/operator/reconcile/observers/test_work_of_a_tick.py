"""A tick goes through the figures of a vhost once, and not once for each of its routes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, cast

from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology, vhost_topology
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.topology.objects import QueueSample
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet

QUEUES = 20  # of a route


class Counted(Mapping[str, QueueSample]):
    """Figures that count how many of them were gone through; a look-up by name is none."""

    def __init__(self, names: list[str]) -> None:
        self._figures = dict.fromkeys(names, QueueSample(0, 0, 0, 0, 0, "limits", 1, 1))
        self.gone_through = 0

    def __getitem__(self, name: str) -> QueueSample:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        for name in self._figures:
            self.gone_through += 1
            yield name

    def __len__(self) -> int:
        return len(self._figures)


class OneVhost:
    """Of so many routes."""

    def __init__(self, routes: int) -> None:
        self.users = [KEY, *((KEY[0], f"other-{number}") for number in range(routes - 1))]
        names = [f"mr.{namespace}.{name}.queue-{number}" for namespace, name in self.users for number in range(QUEUES)]
        self.figures = Counted(names)

    async def samples(self) -> Mapping[str, QueueSample]:
        return self.figures

    async def recent(self, at_most: float) -> VhostTopology:
        del at_most
        return vhost_topology(0.0, (), (), ())

    def vhosts(self) -> Any:
        return [self]


def gone_through(routes: int) -> int:
    """Figures that a tick of so many routes on one vhost goes through."""
    world, vhost = fleet(), OneVhost(routes)
    known = world.reconciler.states
    ctx = world.reconciler._ctx
    ctx = type(ctx)(**{**{name: getattr(ctx, name) for name in ctx.__slots__}, "brokers": cast(Any, vhost)})
    states = dict.fromkeys(vhost.users, known[KEY])
    scaler = Scaler(ctx, states, touch=lambda _: None, update_status=lambda _: None, tick=2.0)
    asyncio.run(scaler.tick())
    return vhost.figures.gone_through


def test_ten_times_the_routes_are_ten_times_the_work() -> None:
    assert gone_through(1) == QUEUES
    assert gone_through(10) == 10 * QUEUES
