"""The measured part of docs/benchmarks/isolation.md: goals, a table of waiting for each load, one of the rest. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.isolation_compared.isolation_plan import CONTENDERS, LOADS
from benchmarks.isolation_compared.trouble import FAULTS, NONE

Row = dict[str, Any]
BEGIN, END = "<!-- measured by make bench-isolation -->", "<!-- end of what is measured -->"
_SELF = "automatic"


@dataclass(frozen=True)
class IsolationGoal:
    """A goal for `automatic`: what is measured of each of its rows that it is about, and the most that it may be."""

    what: str
    most: float
    figure: Callable[[Row], float | None]
    about: Callable[[Row], bool]
    unit: str = ""


def _a_fault(row: Row) -> bool:
    return row["fault"] != NONE


GOALS = (
    IsolationGoal("healthy p99 from 3 s after it began", 1.1, lambda row: row["healthy_p99_ratio"], _a_fault, " x"),
    IsolationGoal("healthy p99, the whole fault", 1.5, lambda row: row["healthy_p99_all_ratio"], _a_fault, " x"),
    IsolationGoal("seconds from found slow to own queue", 3, lambda row: row.get("bound_after_slow"), _a_fault),
    IsolationGoal("publishes an order", 1.05, lambda row: row["amplification"], lambda _: True),
    IsolationGoal(
        "refusals a healthy order at 90 % without a fault", 0.05, lambda row: row["refused"],
        lambda row: row["fault"] == NONE and row["load"] == 90,
    ),
    IsolationGoal("own queues of healthy merchants without a fault", 0, lambda row: row["false_openings"],
                  lambda row: row["fault"] == NONE),
    IsolationGoal("orders lost or doubled", 0, lambda row: row["lost"] + row["doubled"], lambda _: True),
)  # fmt: skip


def measured(rows: Sequence[Row]) -> str:
    """Everything between the page's two marks."""
    parts = ["### Goals", goal_table(rows)]
    for load in LOADS:
        if any(row["load"] == load for row in rows):
            parts += [f"### Healthy merchants' p99 at {load} %", waiting_table(rows, load)]
    parts += ["### All figures", figure_table(rows)]
    return "\n\n".join(parts)


def with_measured(page: str, rows: Sequence[Row]) -> str:
    """The page with its measured part made anew; what people wrote around it stays."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured(rows)}\n\n{END}{after}"


def goal_table(rows: Sequence[Row]) -> str:
    """Each goal with the worst that was seen, and where."""
    lines = ["| `automatic` | at most | the worst | where | |", "|---|---|---|---|---|"]
    for goal in GOALS:
        seen = [
            (figure, row)
            for row in rows
            if row["contender"] == _SELF and goal.about(row) and (figure := goal.figure(row)) is not None
        ]
        if not seen:
            lines.append(f"| {goal.what} | {goal.most:g}{goal.unit} | | | not measured |")
            continue
        worst, where = max(seen, key=lambda each: each[0])
        missed = sum(figure > goal.most for figure, _ in seen)
        verdict = f"missed in {missed} of {len(seen)}" if missed else f"reached in {len(seen)}"
        place = f"{where['fault']}, {where['load']} %"
        lines.append(f"| {goal.what} | {goal.most:g}{goal.unit} | {worst:g}{goal.unit} | {place} | {verdict} |")
    return "\n".join(lines)


def waiting_table(rows: Sequence[Row], load: int) -> str:
    """Contenders side by side: seconds without a fault, and for each fault the ratio to that."""
    found = {(row["contender"], row["fault"]): row for row in rows if row["load"] == load}
    names = [each for each in CONTENDERS if any(contender == each for contender, _ in found)]
    lines = [f"| fault | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    for fault, trouble in FAULTS.items():
        if any((name, fault) in found for name in names):
            cells = [_waited(found.get((name, fault))) for name in names]
            lines.append(f"| {trouble.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _waited(row: Row | None) -> str:
    if row is None:
        return ""
    if row["fault"] == NONE:
        return f"{row['healthy_p99']:.2f} s"
    if row["healthy_p99_ratio"] is None:
        return f"{row['healthy_p99']:.2f} s"
    return f"{row['healthy_p99_ratio']:.2f} ({row['healthy_p99_all_ratio']:.2f})"


_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("of s", lambda row: _number(row["fault_seconds"], 0)),
    ("p50 s", lambda row: _number(row["healthy_p50"], 2)),
    ("p99 s", lambda row: _number(row["healthy_p99"], 2)),
    ("bound after s, half of them", lambda row: _number(row["isolation_median"], 1)),
    ("all", lambda row: _number(row["isolation_seconds"], 1)),
    ("after pods found them slow", lambda row: _number(row.get("bound_after_slow"), 1)),
    ("own queues (of healthy)", lambda row: f"{row['isolated']} ({row['false_openings']})"),
    ("most slots", lambda row: str(row["most_slots"])),
    ("refused", lambda row: f"{row['refused']:.1%}"),
    ("publishes an order", lambda row: _number(row["amplification"], 3)),
    ("recovered after s", lambda row: _number(row["recovery_seconds"], 1) + ("" if row["recovered"] else " +")),
    ("peak", lambda row: str(row["recovery_peak"])),
    ("fairness", lambda row: _number(row["fairness"], 3)),
    ("CPU ms an order", lambda row: _number(1000 * row["cpu_seconds"] / max(1, row["published"]), 1)),
    ("MB", lambda row: _number(row["memory_mb"], 0)),
    ("done + dead + queued", lambda row: f"{row['done']} + {row['dead']} + {row['queued']}"),
    ("lost, doubled", lambda row: f"{row['lost']}, {row['doubled']}"),
)


def figure_table(rows: Sequence[Row]) -> str:
    """Every cell."""
    lines = [f"| contender | load | fault | {' | '.join(name for name, _ in _COLUMNS)} |"]
    lines.append(f"|---|---|---{'|---' * len(_COLUMNS)}|")
    order = {name: number for number, name in enumerate(CONTENDERS)}
    faults = {name: number for number, name in enumerate(FAULTS)}
    for row in sorted(rows, key=lambda row: (order[row["contender"]], row["load"], faults[row["fault"]])):
        cells = " | ".join(figure(row) for _, figure in _COLUMNS)
        lines.append(f"| {row['contender']} | {row['load']} % | {row['fault']} | {cells} |")
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
