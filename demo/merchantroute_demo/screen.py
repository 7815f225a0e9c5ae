"""The live table on a terminal; plain lines every few seconds where there is none (CI, a pipe)."""

import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from merchantroute_demo.board import Row

_EVERY = 5.0  # seconds between two plain reports


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
