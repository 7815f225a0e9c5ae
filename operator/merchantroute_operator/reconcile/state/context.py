"""The dependencies of a reconcile, in one value: ports, pulses, clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from merchantroute_operator.kube.kube_port import Kube
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard

Key = tuple[str, str]
"""A route: its namespace and its name."""


@dataclass(frozen=True, slots=True)
class Context:
    """The ports, what pods last said, and the clocks (``monotonic`` for intervals, ``wall`` for epoch seconds)."""

    kube: Kube
    brokers: BrokerPool
    pulses: PulseBoard
    cluster: str  # UID of kube-system
    resync: float  # seconds between full passes over a route that nothing happens to
    monotonic: Callable[[], float]
    wall: Callable[[], float]
