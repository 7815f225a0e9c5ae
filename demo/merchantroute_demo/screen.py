"""The live table: its rows, computed from the observed orders, and the terminal that shows them.

Where there is no terminal (CI, a pipe) it is plain lines every few seconds.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from merchantroute_demo.report import percentile
from merchantroute_demo.route import OwnQueue, Route
from merchantroute_demo.watcher import Snapshot
from merchantroute_kit.accounting.observed_orders import ObservedOrders

_EVERY = 5.0  # seconds between two plain reports
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


def rows(route: Route, observed: ObservedOrders, snapshot: Snapshot, *, hung: str, now: float) -> list[Row]:
    """A row per tier; under the hung merchant's tier that merchant, and its neighbours. `now` in seconds."""
    table = []
    for tier in route.tiers:
        orders = observed.orders(tiers=[tier])
        pods = snapshot.pods.get(tier)
        waiting = _waiting(snapshot, f"{route.front_door}.{tier}.")
        shown = f"{pods.ready}/{pods.all}" if pods else "-"
        table.append(
            _row(tier, observed, orders, now=now, retried=snapshot.retried.get(tier), waiting=waiting, pods=shown)
        )
        if tier == observed.tier(hung):
            own = observed.orders(merchant=hung)
            for name, part in ((f"  {hung}", own), ("  its neighbours", orders - own)):
                still = len(part & observed.open())
                table.append(_row(name, observed, part, now=now, retried=None, waiting=still, pods=""))
    return table


def _row(
    name: str,
    observed: ObservedOrders,
    orders: set[str],
    *,
    now: float,
    retried: int | None,
    waiting: int | None,
    pods: str,
) -> Row:
    done = orders & observed.completions.keys()
    recent = [
        said.seconds
        for said in (observed.completions[order][0] for order in done)
        if said.finished_at / 1000 > now - WINDOW
    ]
    dead = len(orders & observed.dead.keys())
    return Row(
        name, len(orders), len(done), retried, dead, waiting, percentile(recent, 50), percentile(recent, 99), pods
    )


def _waiting(snapshot: Snapshot, prefix: str) -> int | None:
    counts: Iterable[int | None] = [count for name, count in snapshot.messages.items() if name.startswith(prefix)]
    return None if None in counts else sum(count or 0 for count in counts)


def changes(before: Mapping[str, OwnQueue], after: Mapping[str, OwnQueue]) -> Iterator[str]:
    """A sentence for each own queue that was opened, has another share, is closing, or is gone."""
    for merchant, own in after.items():
        old = before.get(merchant)
        if own.stage == "Open" and (old is None or old.stage != "Open"):
            yield f"{merchant} has a queue of its own ({own.why}): {own.queue}, {_at_a_time(own)}"
        elif own.stage == "Closing" and (old is None or old.stage != "Closing"):
            yield f"{merchant} is well again: no new orders enter its queue, which drains"
        elif old is not None and old.share != own.share:
            yield f"{merchant}: {_at_a_time(own)}"
    for merchant in before.keys() - after.keys():
        yield f"{merchant} has no queue of its own any more"


def _at_a_time(own: OwnQueue) -> str:
    return f"{own.share} order{'s' if own.share != 1 else ''} at a time"


class Screen:
    """`say` prints a line that stays; `show` refreshes the table, or now and then prints it as lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._live: Live | None = None
        self._next = 0.0

    def __enter__(self) -> "Screen":
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str, style: str = "") -> None:
        """A line of the story."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def show(self, title: str, rows: list[Row]) -> None:
        """The present state."""
        if self._live is not None:
            self._live.update(Group(Text(title, style="bold"), _table(rows)), refresh=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            self.say(title)
            for row in rows:
                self.say("  " + plain(row))


def plain(row: Row) -> str:
    """A row as one line of text."""
    figures = [
        f"published {row.published}",
        f"done {row.done}",
        f"retried {_whole(row.retried)}",
        f"dead {row.dead}",
        f"queued {_whole(row.queued)}",
        f"p50 {_seconds(row.p50)}",
        f"p99 {_seconds(row.p99)}",
    ]
    if row.pods:
        figures.append(f"pods {row.pods}")
    return f"{row.name:18}" + "  ".join(figures)


def _table(rows: list[Row]) -> Table:
    table = Table("tier", box=None, pad_edge=False, header_style="dim")
    for heading in ("published", "done", "retried", "dead", "queued", "p50", "p99", "pods"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            str(row.published),
            str(row.done),
            _whole(row.retried),
            str(row.dead),
            _whole(row.queued),
            _seconds(row.p50),
            _seconds(row.p99),
            row.pods,
            style="dim" if row.name.startswith(" ") else "",
        )
    return table


def _whole(value: int | None) -> str:
    return "-" if value is None else str(value)


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
