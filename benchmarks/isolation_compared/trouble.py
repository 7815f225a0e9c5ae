"""The faults: which merchants they are about, and what these do meanwhile. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NONE = "none"
FLOOD = 1_000
"""Orders that the merchant which floods gets within `FLOOD_SECONDS`, between those of the others."""
FLOOD_SECONDS = 20.0
VENDOR = 300
"""Merchants whose orders go to one vendor's host."""
_LATENCY = {"p50_ms": 700, "p99_ms": 1400}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A fault of some merchants, by their rank: 0 has most orders. `behaviour` is what merchant-sim is told of each.

    `flood` is a number of further orders of the first of them; `vendor` a number of further merchants, all of
    them in trouble, which have a seventh of all orders.
    """

    name: str
    title: str
    ranks: tuple[int, ...] = ()
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    flood: int = 0
    vendor: int = 0


def _all() -> tuple[Trouble, ...]:
    hang = {"behaviour": "hang"}
    times = {"p50_ms": 20 * _LATENCY["p50_ms"], "p99_ms": 20 * _LATENCY["p99_ms"]}
    throttle = {"behaviour": "throttle", "calls_per_s": 2, "retry_after_s": 2}
    return (
        Trouble(name=NONE, title="no fault"),
        Trouble(name="hang-1", title="the second largest hangs", ranks=(1,), behaviour=hang),
        Trouble(name="hang-5", title="5 hang", ranks=tuple(range(1, 6)), behaviour=hang),
        Trouble(name="hang-10", title="10 hang", ranks=tuple(range(1, 11)), behaviour=hang),
        Trouble(name="drip", title="one answers a byte each 0.4 s", ranks=(1,), behaviour={"behaviour": "drip"}),
        Trouble(
            name="5xx", title="one answers 503 at once", ranks=(1,),
            behaviour={"behaviour": "error", "error_status": 503, "latency": {"p50_ms": 2, "p99_ms": 4}},
        ),
        Trouble(name="429", title="one takes 2 calls a second, 429 else", ranks=(1,), behaviour=throttle),
        Trouble(name="reset", title="one resets each connection", ranks=(1,), behaviour={"behaviour": "reset"}),
        Trouble(name="slow-x20", title="one takes 20 times as long", ranks=(1,), behaviour={"latency": times}),
        Trouble(name="flood", title=f"one gets {FLOOD:,} orders in {FLOOD_SECONDS:g} s", ranks=(9,), flood=FLOOD),
        Trouble(
            name="vendor", title=f"{VENDOR} merchants of one host hang", behaviour=hang, vendor=VENDOR
        ),
    )  # fmt: skip


FAULTS = {each.name: each for each in _all()}
"""By name, the one without a fault first."""
HEALTHY: dict[str, Any] = {"behaviour": "normal", "latency": _LATENCY}
"""Each call takes 0.7 s in the middle, one in a hundred 1.4 s, as in the simulation."""
CALL_SECONDS = 0.732
"""A healthy call's mean: a log-normal of that median and 99th percentile."""
ORDER_SECONDS = 3 * CALL_SECONDS
