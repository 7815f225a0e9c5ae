"""The page docs/benchmarks/worker.md: conditions, goals, a table for each latency, what was not the limit. Pure."""

from collections.abc import Mapping
from typing import Any

from benchmarks.comparison.catalogue import REFERENCE
from benchmarks.comparison.contender import Contender
from benchmarks.comparison.reporting.figures import Figures, Table, Windows, beside
from benchmarks.comparison.reporting.goals import Goal

_COLUMNS = (
    *("orders/s", "per hour and pod", "CPU s of 1,000", "orders/s per core"),
    *("MB (PSS)", "p50 s", "p99 s", "core busy"),
)
_ABOUT = (
    "Orders of 3 calls; each answer is 2 kB of JSON. Quorum queues, acknowledged after the work, confirms. In brackets "
    "the figure as a ratio to this worker with gevent 200. *Per core* is orders per CPU second of all of a contender's "
    "processes; p50 and p99 are from a series' first call to its last answer, with all slots at work. The post's own "
    "pods went from 450 to 6,000 orders an hour."
)


def page(
    table: Table, contenders: tuple[Contender, ...], found: list[Goal], windows: Windows, conditions: Mapping[str, Any]
) -> str:
    """The whole page."""
    latencies = sorted({ms for _, ms in table})
    parts = [
        "# What one pod and one core do",
        "Made by `make bench-worker`; how it is measured, and why these contenders: "
        "[decision 0036](../decisions/0036-measured-beside-what-else-a-team-would-pick.md).",
        _conditions(conditions, windows),
        "![orders per pod and per core](worker.svg)",
        "## Goals",
        goal_table(found),
        *(part for ms in latencies for part in (f"## Merchants that answer in {ms} ms", rows(table, contenders, ms))),
        "## What was not the limit",
        limits(table, windows),
    ]
    return "\n\n".join(parts) + "\n"


def goal_table(found: list[Goal]) -> str:
    """Each with what was wanted and what was seen."""
    lines = ["| merchant | goal | wanted | measured | |", "|---|---|---|---|---|"]
    for goal in found:
        seen = "" if goal.found is None else f"{goal.found:.3g}{goal.unit}"
        sign = "<=" if goal.most else ">="
        lines.append(f"| {goal.merchant} | {goal.what} | {sign} {goal.wanted:g}{goal.unit} | {seen} | {goal.verdict} |")
    return "\n".join(lines)


def rows(table: Table, contenders: tuple[Contender, ...], ms: int) -> str:
    """One latency; in brackets each figure as a ratio to the reference."""
    base = table.get((REFERENCE, ms))
    measured = [one for one in contenders if (one.name, ms) in table]
    head = [f"| contender | {' | '.join(_COLUMNS)} |", f"|---{'|---' * len(_COLUMNS)}|"]
    return "\n".join([*head, *(_row(one, table[one.name, ms], base) for one in measured)])


def _row(contender: Contender, seen: Figures, base: Figures | None) -> str:
    cells = [
        _cell(f"{seen.per_second:,.1f}", beside(seen, base, lambda one: one.per_second)),
        f"{seen.per_hour:,.0f}",
        _cell(f"{seen.cpu_of_1000:.3g}", beside(seen, base, lambda one: one.cpu_of_1000)),
        _cell(f"{seen.per_cpu:,.0f}", beside(seen, base, lambda one: one.per_cpu)),
        _cell(f"{seen.pss:.1f}", beside(seen, base, lambda one: one.pss)),
        _cell(_seconds(seen.p50), beside(seen, base, lambda one: one.p50)),
        _cell(_seconds(seen.p99), beside(seen, base, lambda one: one.p99)),
        f"{seen.core:.0%}",
    ]
    name = f"**{contender.title}**" if contender.name == REFERENCE else contender.title
    return f"| {name} | {' | '.join(cells)} |"


def _cell(text: str, times: float | None) -> str:
    return text if times is None or not text else f"{text} ({times:.2f})"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _conditions(conditions: Mapping[str, Any], windows: Windows) -> str:
    rounds = figure_range([sum(w["contender"] == one["contender"] and w["ms"] == one["ms"] for w in windows)
                           for one in windows])  # fmt: skip
    seconds = figure_range([round(window["seconds"]) for window in windows])
    days = sorted({window["at"][:10] for window in windows})
    when = " to ".join(dict.fromkeys((days[0], days[-1])))
    how = f"Windows of {seconds} s, rounds: {rounds}, medians."
    return f"Measured {when} on {conditions['machine']}, {conditions['versions']}. {how} {_ABOUT}"


def figure_range(values: list[int]) -> str:
    """As `3` or `1 to 3`."""
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def foreign(window: Mapping[str, Any]) -> float:
    """The share of the contender's core that somebody else took: the machine was not left alone, or its kernel worked
    for the network.
    """
    return max(0.0, float(window["own_core"]) - float(window["cpu"]) / float(window["seconds"]))


def limits(table: Table, windows: Windows) -> str:
    """Merchants and load: what they used, and who called the merchants fastest."""
    fastest = max(table.values(), key=lambda seen: seen.per_second)
    merchants = max(window["merchants"] for window in windows)
    others = max(windows, key=lambda window: window["busiest_other"])
    lost = sum(window["ledger"]["lost"] for window in windows)
    done = sum(window["ledger"]["done"] for window in windows)
    calls = f"{3 * fastest.per_second:,.0f} calls a second"
    share, whose = f"{others['busiest_other']:.0%}", f"`{others['contender']}`, {others['ms']} ms"
    strange = max(windows, key=foreign)
    return (
        f"Orders are published before a window, not in it. The merchants' process used at most {merchants:.0%} of a "
        f"core; who called it most was `{fastest.contender}`, {calls}. Everything beside the contender has the other "
        f"cores: the busiest of them was busy for at most {share} ({whose}). "
        f"Of the contender's own core others took at most {foreign(strange):.0%} "
        f"(`{strange['contender']}`, {strange['ms']} ms). "
        f"The ledger of all windows: {done:,} orders done, {lost:,} lost."
    )
