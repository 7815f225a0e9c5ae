"""Scenarios of the isolation simulation: a tier's pods and merchants, their load, and what happens to some of them.

Times are seconds. Merchants are numbers, 0 has most orders. A fault begins at `FAULT_AT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from merchantroute_operator.isolation.model import MerchantLimits

Fault = Literal["hang", "x20", "5xx", "flap", "429"]
"""Answers nothing; takes 20 times as long; answers 503 at once; hangs for 5 s of every 10; takes so many orders a
second and answers the others 429 at once.
"""

CALL_TIMEOUT = 10.0
WARM, FAULT_AT, HEALED_AT, SECONDS = 30.0, 90.0, 210.0, 420.0
EVEN, UNEVEN = (0.7, 0.7, 0.7), (0.05, 2.0, 0.05)


@dataclass(frozen=True, kw_only=True)
class IsolationScenario:
    """One tier. `weights` are the merchants' parts of the orders, `load` is the part of all slots that they need."""

    name: str
    weights: tuple[float, ...]
    load: float
    pods: int = 4
    slots: int = 50
    steps: tuple[float, ...] = EVEN
    noise: float = 0.3
    faults: Mapping[int, Fault] = field(default_factory=dict)
    takes: float = 5.0
    """Orders a second that a merchant takes which answers the others 429, and as many at once."""
    retry_after: float | None = None
    """What it says then of when to come again, in seconds."""
    flood: tuple[int, int] | None = None
    """Which merchant gets how many orders at once, when a fault would begin."""
    flooded: int = 1
    """How many merchants get them, that one and those after it."""
    limits: Mapping[int, MerchantLimits] = field(default_factory=dict)
    one_host: frozenset[int] = frozenset()
    """Merchants whose API is at the same host."""
    scale: Mapping[float, int] = field(default_factory=dict)
    """How many pods there are from when on."""
    healed_at: float = HEALED_AT
    seconds: float = SECONDS

    @property
    def odd(self) -> frozenset[int]:
        """Merchants that are not healthy, or have limits: they are left out of the figures of healthy ones."""
        flooded = () if self.flood is None else range(self.flood[0], self.flood[0] + self.flooded)
        return frozenset((*self.faults, *flooded, *self.limits))


def equal(count: int) -> tuple[float, ...]:
    """So many merchants with as many orders each."""
    return (1.0,) * count


def zipf(count: int) -> tuple[float, ...]:
    """So many merchants, the second with half of the first one's orders, the third with a third."""
    return tuple(1 / (rank + 1) for rank in range(count))


def _hang(*merchants: int) -> dict[int, Fault]:
    return dict.fromkeys(merchants, "hang")


FIFTY = zipf(50)
VENDOR = frozenset(range(20, 320))
"""Merchants with few orders each, and together half as many as the twenty before them."""
WITH_VENDOR = (*zipf(20), *(sum(zipf(20)) / 600,) * len(VENDOR))
SCENARIOS = (
    IsolationScenario(name="3 equal, 80 %", weights=equal(3), load=0.8),
    IsolationScenario(name="3 equal, 90 %, uneven steps", weights=equal(3), load=0.9, steps=UNEVEN),
    IsolationScenario(name="8 equal, 90 %", weights=equal(8), load=0.9),
    IsolationScenario(name="50 Zipf, 80 %", weights=FIFTY, load=0.8),
    IsolationScenario(name="500 Zipf, 90 %", weights=zipf(500), load=0.9),
    IsolationScenario(name="1 pod, 3 equal, 80 %", weights=equal(3), load=0.8, pods=1),
    IsolationScenario(name="20 pods, 50 Zipf, 80 %", weights=FIFTY, load=0.8, pods=20, slots=20),
    IsolationScenario(name="50 Zipf, 50 %, one hangs", weights=FIFTY, load=0.5, faults=_hang(1)),
    IsolationScenario(name="50 Zipf, 50 %, one hangs for 10 min", weights=FIFTY, load=0.5, faults=_hang(1),
                      healed_at=690.0, seconds=960.0),
    IsolationScenario(name="50 Zipf, 50 %, the biggest hangs", weights=FIFTY, load=0.5, faults=_hang(0)),
    IsolationScenario(name="50 Zipf, 90 %, one hangs", weights=FIFTY, load=0.9, faults=_hang(1)),
    IsolationScenario(name="50 Zipf, 50 %, 5 hang", weights=FIFTY, load=0.5, faults=_hang(*range(1, 6))),
    IsolationScenario(name="50 Zipf, 50 %, 10 hang", weights=FIFTY, load=0.5, faults=_hang(*range(1, 11))),
    IsolationScenario(name="20 Zipf and 300 of one host, 50 %, the host hangs", weights=WITH_VENDOR, load=0.5,
                      faults=_hang(*VENDOR), one_host=VENDOR),
    IsolationScenario(name="1 pod, 50 Zipf, 50 %, one hangs", weights=FIFTY, load=0.5, pods=1, faults=_hang(1)),
    IsolationScenario(name="20 pods, 50 Zipf, 50 %, one hangs", weights=FIFTY, load=0.5, pods=20, slots=20,
                      faults=_hang(1)),
    IsolationScenario(name="50 Zipf, 50 %, one x20", weights=FIFTY, load=0.5, faults={1: "x20"}),
    IsolationScenario(name="50 Zipf, 50 %, one answers 5xx at once", weights=FIFTY, load=0.5, faults={1: "5xx"}),
    IsolationScenario(name="50 Zipf, 50 %, one flaps", weights=FIFTY, load=0.5, faults={1: "flap"}),
    IsolationScenario(name="50 Zipf, 50 %, a flood of 10,000", weights=FIFTY, load=0.5, flood=(9, 10_000)),
    IsolationScenario(name="50 Zipf, 50 %, two floods of 6,000", weights=FIFTY, load=0.5, flood=(9, 6_000), flooded=2),
    IsolationScenario(name="50 Zipf, 70 %, a flood of 3,000", weights=FIFTY, load=0.7, flood=(0, 3_000)),
    IsolationScenario(name="8 equal, 60 %, one bears 8 at a time", weights=equal(8), load=0.6,
                      limits={1: MerchantLimits(max_in_flight=8)}),
    IsolationScenario(name="8 equal, 60 %, one bears 5 a second", weights=equal(8), load=0.6,
                      limits={1: MerchantLimits(max_rate=5.0, burst=5)}),
    IsolationScenario(name="1 pod, 2 equal, 60 %, one takes 5 a second", weights=equal(2), load=0.6, pods=1,
                      faults={1: "429"}, healed_at=330.0, seconds=600.0),
    IsolationScenario(name="10 pods, 20 equal, 60 %, one takes 5 a second", weights=equal(20), load=0.6, pods=10,
                      faults={1: "429"}, healed_at=330.0, seconds=600.0),
    IsolationScenario(name="10 pods, 20 equal, 60 %, one takes 5 a second, Retry-After 10", weights=equal(20), load=0.6,
                      pods=10, faults={1: "429"}, retry_after=10.0, healed_at=330.0, seconds=600.0),
    IsolationScenario(name="50 Zipf, 50 %, one hangs, pods 4 to 8 to 2", weights=FIFTY, load=0.3, faults=_hang(1),
                      scale={120.0: 8, 180.0: 2, 240.0: 4}),
    IsolationScenario(name="8 equal, 40 %, at most 8, pods 4 to 8 to 2", weights=equal(8), load=0.4,
                      limits={1: MerchantLimits(max_in_flight=8)}, scale={120.0: 8, 180.0: 2, 240.0: 4}),
    IsolationScenario(name="an hour of 50 Zipf, 90 %, noise 0.6", weights=FIFTY, load=0.9, noise=0.6, seconds=3600.0),
)  # fmt: skip
