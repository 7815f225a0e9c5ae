"""The scale of a run: thousands of orders for `make chaos-worker`, hundreds in the tests; the faults are the same."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`window` bounds the orders that are published and not yet ended, `rate` (orders a second) the publishing;
    `strikes` is how often a fault hits; `lasting`, `alarm`, `away` and `spin` are seconds that a memory alarm lasts,
    that a long one does once the backlog is done, that a queue, a mount or a merchant is gone, and that user code keeps
    the hub to itself; `standstill` those that a pod is stopped for, in a full run more than a call may take. A pod that
    dies is started again at once, then after `backoff` seconds, doubled each time.
    """

    orders: int
    pods: int
    concurrency: int
    window: int
    rate: float
    merchants: int
    p50_ms: float
    p99_ms: float
    strikes: int
    lasting: float
    alarm: float
    away: float
    spin: float
    standstill: float
    backoff: float


FULL = Scale(
    orders=20_000, pods=3, concurrency=200, window=1_000, rate=1_000.0, merchants=12, p50_ms=20, p99_ms=40,
    strikes=4, lasting=60.0, alarm=600.0, away=8.0, spin=6.0, standstill=12.0, backoff=10.0,
)  # fmt: skip
SMALL = Scale(
    orders=300, pods=2, concurrency=20, window=100, rate=200.0, merchants=6, p50_ms=20, p99_ms=40,
    strikes=1, lasting=2.0, alarm=2.0, away=1.0, spin=1.0, standstill=2.0, backoff=0.5,
)  # fmt: skip
_CLUSTER_ORDERS, _CLUSTER_RATE = 3_000, 100.0


def of_a_cluster(scale: Scale) -> Scale:
    """The scale of a fault of three nodes: it hits once, under 100 orders a second, for about half a minute."""
    return replace(scale, orders=min(scale.orders, _CLUSTER_ORDERS), rate=_CLUSTER_RATE, strikes=1)
