"""One route, its operator and both of its ports in memory, under a clock that only moves when told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.topology.drained import FRESH, QUIET
from tests.unit.operator.fake_ports import MemoryBroker, MemoryKube, OneBroker
from tests.unit.operator.pod_samples import a_pod, worker_metadata
from tests.unit.operator.route_samples import CLUSTER, raw_route

KEY = ("orders", "pos")
DOOR = "mr.orders.pos"
NOW = 1_800_000_000.0  # epoch seconds, after every date in these tests
STILL = QUIET + 1  # seconds without an order
PROOF = FRESH + 2  # passes, STILL apart, in which a queue is found to be drained


@dataclass
class World:
    """One route, its operator, and a clock that only moves when told."""

    raw: dict[str, Any]
    log: list[str] = field(default_factory=list)
    at: float = 100.0
    clock_step: float = 0.0  # seconds by which the wall clock was set ahead

    def __post_init__(self) -> None:
        self.kube = MemoryKube(self.log, with_finalizer(self.raw))
        self.broker = MemoryBroker(self.log)
        self.start()

    def start(self) -> None:
        """An operator that knows nothing but what the ports hold."""
        self.board = PulseBoard(lambda: self.at)
        brokers = cast(BrokerPool, OneBroker(self.broker))
        self.reconciler = Reconciler(
            Context(
                kube=self.kube,
                brokers=brokers,
                pulses=self.board,
                cluster=CLUSTER,
                resync=60.0,
                monotonic=lambda: self.at,
                wall=lambda: NOW + self.at + self.clock_step,
            )
        )

    def look(self) -> float | None:
        """A full pass, as after an event; the log starts anew."""
        self.log.clear()
        self.reconciler.states.setdefault(KEY, RouteState()).schedule.full = True
        return asyncio.run(self.reconciler.reconcile(KEY))

    def change(self, **spec: Any) -> None:
        """Another spec."""
        changed = raw_route(**spec)
        changed["metadata"]["generation"] = self.kube.stored["metadata"]["generation"] + 1  # type: ignore[index]
        self.kube.stored = with_finalizer(changed)

    def delete(self, **deletion: str) -> None:
        """``kubectl delete``, with this policy."""
        stored = self.kube.stored
        assert stored is not None
        stored["spec"]["deletion"] = deletion
        stored["metadata"]["deletionTimestamp"] = "2027-01-15T08:01:40Z"  # NOW + 100 s

    def pulse(self, pod: str, generation: int) -> None:
        """A pod says which configuration it has loaded."""
        self.hear(Pulse(pod, *KEY, "standard", "stable", 0, self.at, generation, 0, 0.0, 0, 0, 0))

    def hear(self, pulse: Pulse) -> None:
        """A pod of the route says this; where a test has not made it, it is one that is not ready."""
        self.kube.objects.setdefault(
            ("Pod", pulse.pod), {"metadata": worker_metadata(pulse.pod, pulse.tier, pulse.lane), "status": {}}
        )
        self.board.know_pod(KEY, pulse.pod, gone=False)
        self.board.put(pulse)

    def start_pods(self) -> None:
        """Every Deployment has its one pod; ``pod-1`` is one of them."""
        for (kind, _), body in self.kube.objects.items():
            if kind == "Deployment":
                body["status"] = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
        self.kube.objects["Pod", "pod-1"] = a_pod("pod-1")

    def condition(self, kind: str = "Ready") -> tuple[str, str, str]:
        """Status, reason and message."""
        found = next(c for c in self.kube.status["conditions"] if c["type"] == kind)
        return found["status"], found["reason"], found["message"]

    def bound(self) -> dict[str, str]:
        """Merchant -> tier in the broker."""
        return {b.key: b.target for b in self.broker.topology.bindings if b.source == f"{DOOR}.assigned"}


def with_finalizer(raw: dict[str, Any]) -> dict[str, Any]:
    """As after the operator's first pass."""
    return {**raw, "metadata": {**raw["metadata"], "finalizers": [FINALIZER]}}


def first(log: list[str], start: str) -> int:
    """Where in the log the first call of this kind stands."""
    return next(index for index, line in enumerate(log) if line.startswith(start))


def last(log: list[str], start: str) -> int:
    """Where the last one stands."""
    return max(index for index, line in enumerate(log) if line.startswith(start))
