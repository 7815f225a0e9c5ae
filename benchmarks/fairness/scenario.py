"""A scenario: merchants, their load, and what happens to one of them. Times are seconds."""

from dataclasses import dataclass

SLOTS, CEILING = 200, 50
CALL_TIMEOUT, DEADLINE = 10.0, 30.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One pod of `SLOTS` slots. `steps` are the mean latencies of an order's calls, `load` the share of the slots that
    all orders together need. `weights` are the merchants' shares of the orders; merchant 0 is the one to which things
    happen.
    """

    name: str
    weights: tuple[float, ...]
    load: float
    steps: tuple[float, ...] = (0.7, 0.7, 0.7)
    noise: float = 0.3
    """Sigma of the lognormal noise on each latency, which keeps its mean."""
    task: bool = False
    """An own app's task: one call as long as the deadline allows."""
    prefork: bool = False
    """All calls of an attempt are one call to the bulkhead."""
    hangs: tuple[float, float] | None = None
    """From when to when merchant 0 answers nothing."""
    flood: tuple[float, int] | None = None
    """When how many orders of merchant 0 arrive at once."""
    bears: int | None = None
    """Merchant 0 answers so many calls at a time at its usual speed, more of them proportionally slower."""
    degrades: tuple[float, float] | None = None
    """From when on merchant 0's latencies are how many times as long, whatever its load."""
    unavailable: float = 0.0
    """Share of calls that are answered at once with a 503."""
    seconds: float = 300.0

    @property
    def bound(self) -> float:
        """The longest that what the bulkhead counts as one call may take."""
        return DEADLINE if self.task or self.prefork else CALL_TIMEOUT

    @property
    def odd(self) -> bool:
        """Whether merchant 0 is no healthy merchant, so that its orders are left out of the figures."""
        return bool(self.hangs or self.flood or self.bears)


def equal(count: int) -> tuple[float, ...]:
    """So many merchants with as many orders each."""
    return (1.0,) * count


def zipf(count: int) -> tuple[float, ...]:
    """So many merchants, the second with half of the first one's orders, the third with a third."""
    return tuple(1 / (rank + 1) for rank in range(count))


MIXED = (0.05, 2.0, 0.05)

SCENARIOS = (
    Scenario(name="8 equal merchants, steps 0.7/0.7/0.7, load 90 %", weights=equal(8), load=0.9),
    Scenario(name="8 equal merchants, steps 0.05/2/0.05, load 90 %", weights=equal(8), load=0.9, steps=MIXED),
    Scenario(name="8 equal merchants, steps 0.3/1.5/0.3, load 90 %", weights=equal(8), load=0.9,
             steps=(0.3, 1.5, 0.3)),
    Scenario(name="50 merchants of Zipf, steps 0.7/0.7/0.7, load 80 %", weights=zipf(50), load=0.8),
    Scenario(name="50 merchants of Zipf, steps 0.05/2/0.05, load 80 %", weights=zipf(50), load=0.8, steps=MIXED),
    Scenario(name="3 equal merchants, steps 0.7/0.7/0.7, load 80 %", weights=equal(3), load=0.8),
    Scenario(name="3 equal merchants, steps 0.7/0.7/0.7, load 90 %", weights=equal(3), load=0.9),
    Scenario(name="3 equal merchants, steps 0.05/2/0.05, load 80 %", weights=equal(3), load=0.8, steps=MIXED),
    Scenario(name="3 equal merchants, steps 0.05/2/0.05, load 90 %", weights=equal(3), load=0.9, steps=MIXED),
    Scenario(name="2 equal merchants, steps 0.7/0.7/0.7, load 90 %", weights=equal(2), load=0.9),
    Scenario(name="4 equal merchants, steps 0.7/0.7/0.7, load 90 %", weights=equal(4), load=0.9),
    *(
        Scenario(name=f"{count} merchants, tasks of 8 s, load 60 %", weights=equal(count), load=0.6, steps=(8.0,),
                 noise=0.2, task=True, seconds=600.0)
        for count in (3, 10, 100)
    ),
    Scenario(name="3 merchants, tasks of 12 s, load 60 %", weights=equal(3), load=0.6, steps=(12.0,), noise=0.2,
             task=True, seconds=600.0),
    Scenario(name="8 merchants, prefork, steps 2/2/2, load 60 %", weights=equal(8), load=0.6, steps=(2.0, 2.0, 2.0),
             prefork=True),
    Scenario(name="8 merchants, three in ten calls a 503 at once, load 80 %", weights=equal(8), load=0.8,
             steps=(2.0,), unavailable=0.3),
    Scenario(name="8 merchants, steps 20 ms, one takes 25 ms from then on, load 90 %", weights=equal(8), load=0.9,
             steps=(0.02,), degrades=(2.0, 1.25), seconds=5.0),
    Scenario(name="8 merchants, one is five times slower from 60 s on, load 60 %, then 90 %", weights=equal(8),
             load=0.6, steps=(0.4,), degrades=(60.0, 5.0)),
    Scenario(name="8 merchants, one hangs for 2 min, load 60 %", weights=equal(8), load=0.6, hangs=(60.0, 180.0)),
    Scenario(name="8 merchants, steps 0.05/2/0.05, one hangs for 2 min, load 60 %", weights=equal(8), load=0.6,
             steps=MIXED, hangs=(60.0, 180.0)),
    Scenario(name="3 merchants, one hangs for 2 min, load 60 %", weights=equal(3), load=0.6, hangs=(60.0, 180.0)),
    Scenario(name="3 merchants, one hangs for 2 min, load 80 %", weights=equal(3), load=0.8, hangs=(60.0, 180.0)),
    Scenario(name="8 merchants, one hangs under a flood of 3,000, load 60 %", weights=equal(8), load=0.6,
             hangs=(60.0, 180.0), flood=(55.0, 3000)),
    Scenario(name="3 merchants, one hangs under a flood of 3,000, load 60 %", weights=equal(3), load=0.6,
             hangs=(60.0, 180.0), flood=(55.0, 3000)),
    Scenario(name="8 merchants, a flood of 3,000 of a healthy one, load 60 %", weights=equal(8), load=0.6,
             flood=(60.0, 3000)),
    Scenario(name="2 merchants, a flood of 3,000 of a healthy one, load 60 %", weights=equal(2), load=0.6,
             flood=(60.0, 3000)),
    Scenario(name="8 merchants, one bears 7 calls at a time and gets 3 times as many, load 80 %", weights=equal(8),
             load=0.8, bears=7),
)  # fmt: skip
