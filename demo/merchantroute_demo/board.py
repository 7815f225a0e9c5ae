"""The rows of the live table, computed from the roll and the latest sight. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from merchantroute_demo.figures import percentile
from merchantroute_demo.roll import Roll
from merchantroute_demo.watcher import Sight

WINDOW = 30.0  # seconds of completions that p50 and p99 look back on


@dataclass(frozen=True)
class Row:
    """One line of the table. None is not known, or does not apply to this line."""

    name: str
    published: int
    done: int
    retried: int | None
    dead: int
    queued: int | None
    p50: float | None
    p99: float | None
    pods: str


def rows(roll: Roll, sight: Sight, *, hung: str, now: float) -> list[Row]:
    """A row per tier; under the hung merchant's tier that merchant, and its neighbours. `now` in seconds."""
    table = []
    for tier in roll.route.tiers:
        orders = roll.orders(tiers=[tier])
        pods = sight.pods.get(tier)
        waiting = _waiting(sight, f"{roll.route.front_door}.{tier}.")
        shown = f"{pods.ready}/{pods.all}" if pods else "-"
        table.append(_row(tier, roll, orders, now=now, retried=sight.retried.get(tier), waiting=waiting, pods=shown))
        if tier == roll.tier(hung):
            own = roll.orders(merchant=hung)
            for name, part in ((f"  {hung}", own), ("  its neighbours", orders - own)):
                still = len(part & roll.open())
                table.append(_row(name, roll, part, now=now, retried=None, waiting=still, pods=""))
    return table


def _row(
    name: str, roll: Roll, orders: set[str], *, now: float, retried: int | None, waiting: int | None, pods: str
) -> Row:
    done = orders & roll.completions.keys()
    recent = [
        said.seconds
        for said in (roll.completions[order][0] for order in done)
        if said.finished_at / 1000 > now - WINDOW
    ]
    dead = len(orders & roll.dead.keys())
    return Row(
        name, len(orders), len(done), retried, dead, waiting, percentile(recent, 50), percentile(recent, 99), pods
    )


def _waiting(sight: Sight, prefix: str) -> int | None:
    counts: Iterable[int | None] = [count for name, count in sight.messages.items() if name.startswith(prefix)]
    return None if None in counts else sum(count or 0 for count in counts)
