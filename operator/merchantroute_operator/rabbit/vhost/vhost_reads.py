"""What all users of a vhost share of their reads, and whether one route is read by name or with all the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from merchantroute_operator.lane_users.broker_user import BrokerUser
from merchantroute_operator.rabbit.vhost.own_writes import OwnWrites
from merchantroute_operator.rabbit.vhost.shared_reads import SharedRead
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology
from merchantroute_operator.topology.objects import Binding, QueueSample, Topology

ROWS_A_READ = 30  # rows of a list that cost the broker as much as a request; measured with 20 and 300 routes
LARGE = 60  # requests for a route of three tiers
STALE = 60.0  # seconds after which a reading does not say any more which names a route has; one is made each 25


class Known(NamedTuple):
    """What a route may have, by name, and the bindings to it from exchanges of others as they were last read."""

    exchanges: frozenset[str]
    queues: frozenset[str]
    strangers: frozenset[Binding]


class VhostReads:
    """The reads of one vhost that all its users share. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.topology: SharedRead[VhostTopology] = SharedRead(clock)
        self.samples: SharedRead[Mapping[str, QueueSample]] = SharedRead(clock)
        self.users: SharedRead[Mapping[str, BrokerUser]] = SharedRead(clock)
        self.writes = OwnWrites(clock)

    def shown(self, prefix: str, expected: Topology, at_most: float) -> Topology | None:
        """``expected``, where a reading of at most so many seconds ago shows just that; None where it does not.

        A vhost that is read whole for a few routes is read anew for each of them.
        """
        if self.topology.last is None:
            return None
        began, whole = self.topology.last
        if self.clock() - began > at_most or self.writes.any_since(prefix, began):
            return None
        return expected if self.known(prefix, expected) is not None and whole.of(prefix) == expected else None

    def known(self, prefix: str, expected: Topology) -> Known | None:
        """What to read by name of a route that is to have ``expected``; None where all of the vhost is to be read.

        Names that others gave to what they made since the vhost was read whole are not among them.
        """
        if self.topology.last is None:
            return None
        began, whole = self.topology.last
        if self.clock() - began > STALE:
            return None
        there, made = whole.of(prefix), self.writes.declared_since(prefix, began)
        exchanges = made.exchanges.union(there.exchanges, expected.exchanges)
        queues = made.queues.union(there.queues, expected.queues)
        own = len(there.exchanges) + len(there.queues) + len(there.bindings)
        if not self.spares(2 * len(exchanges) + len(queues), besides=own):
            return None
        return Known(exchanges, queues, frozenset(b for b in there.bindings if b.source not in exchanges))

    @property
    def is_large(self) -> bool:
        """Whether it is large enough for routes to be read by name."""
        return self.spares(LARGE)

    def spares(self, requests: int, *, besides: int = 0) -> bool:
        """Whether so many requests, which bring ``besides`` rows, cost less than to read the whole vhost."""
        return self.topology.last is not None and self.topology.last[1].rows - besides > ROWS_A_READ * requests
