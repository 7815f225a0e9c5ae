"""The pictures, in the benchmarks' own environment: `isolation_plot ROWS.json FOLDER` writes two SVG files.

One shows healthy merchants' p99 as a ratio to each contender's own without a fault, one how long merchants in trouble
needed after healing. Both on a logarithmic scale.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "merchantroute"  # the same rows make the same file
mpl.rcParams["svg.fonttype"] = "none"  # text stays text

from matplotlib import pyplot as plt  # noqa: E402 - after the choice of what draws

COLOURS = {
    "celery": "#b4552d",
    "celery-rate-limit": "#d9a05b",
    "off": "#9fbfb0",
    "dry-run": "#6f9f8a",
    "automatic": "#1a7f5a",
    "queue-per-merchant": "#5b6b8c",
    "dbos": "#8c5b86",
}
_BAR = 0.8


def draw(rows: list[dict[str, Any]], figure: str, title: str, target: Path, *, least: float) -> None:
    """A panel for each load: a group of bars for each fault, a bar for each contender."""
    loads = sorted({row["load"] for row in rows})
    drawing, axes = plt.subplots(len(loads), 1, figsize=(11, 3.4 * len(loads)), squeeze=False)
    for axis, load in zip(axes[:, 0], loads, strict=True):
        here = [row for row in rows if row["load"] == load and row["fault"] != "none" and row[figure] is not None]
        faults = list(dict.fromkeys(row["fault"] for row in here))
        names = [name for name in COLOURS if any(row["contender"] == name for row in here)]
        width = _BAR / max(1, len(names))
        for number, name in enumerate(names):
            mine = {row["fault"]: row[figure] for row in here if row["contender"] == name}
            places = [faults.index(fault) + (number - (len(names) - 1) / 2) * width for fault in mine]
            heights = [max(least, value) for value in mine.values()]
            axis.bar(places, heights, width * 0.95, bottom=0, color=COLOURS[name], label=name)
        axis.set_yscale("log")
        axis.set_ylim(bottom=least * 0.8)
        axis.set_xticks(range(len(faults)), faults)
        axis.set_title(f"{title}, load {load} %", fontsize=11, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
    axes[0, 0].legend(ncols=4, fontsize=9, frameon=False)
    drawing.tight_layout()
    drawing.savefig(target, format="svg", metadata={"Date": None})
    plt.close(drawing)


def main() -> None:
    """The program."""
    rows, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    title = "healthy merchants' p99, times the contender's own without a fault"
    draw(rows, "healthy_p99_ratio", title, folder / "isolation-waiting.svg", least=0.5)
    title = "seconds after healing until the backlog was gone"
    draw(rows, "recovery_seconds", title, folder / "isolation-recovery.svg", least=0.1)


if __name__ == "__main__":
    main()
