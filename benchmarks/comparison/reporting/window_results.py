"""The results in build/bench-worker.json, written anew after each window, and page and plot, made of them."""

import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.comparison import catalogue
from benchmarks.comparison.contender import Contender
from benchmarks.comparison.measuring.window import Window
from benchmarks.comparison.reporting.figures import Table, Windows, figures, merged, percentiles
from benchmarks.comparison.reporting.goals import Goal, goals
from benchmarks.comparison.reporting.page import page
from benchmarks.comparison.reporting.plot import plot
from benchmarks.json_file import write_json

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "build" / "bench-worker.json"
DOCS = ROOT / "docs" / "benchmarks"
_TOLD = ("aio-pika", "aiohttp", "dramatiq", "faststream", "gevent", "geventhttpclient", "taskiq", "uvloop")


class Results:
    """What was measured in this run, and, when `keep`, in those before it."""

    def __init__(self, *, keep: bool) -> None:
        document = json.loads(FILE.read_text()) if keep and FILE.exists() else {}
        self._before: Windows = document.get("windows", [])
        self._now: list[Mapping[str, Any]] = []
        self.idle: Mapping[str, float] | None = document.get("idle")

    def add(self, contender: Contender, ms: int, window: Window) -> None:
        """Take one window, and write all."""
        seen = asdict(window)
        p50, p99 = percentiles(seen.pop("took"))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._now.append({"contender": contender.name, "ms": ms, **seen, "p50": p50, "p99": p99, "at": at})
        self.write()

    def rest(self, idle: Mapping[str, float]) -> None:
        """Take what an idle pod costs."""
        self.idle = idle
        self.write()

    @property
    def windows(self) -> Windows:
        """All of them."""
        return merged(self._before, self._now)

    def goals(self) -> list[Goal]:
        """As far as they are known."""
        return goals(figures(self.windows), catalogue.ALL, self.idle["percent"] if self.idle else None)

    def write(self) -> None:
        """The file."""
        table = figures(self.windows)
        document = {
            "conditions": conditions(),
            "medians": [
                {**asdict(seen), "per_hour": seen.per_hour, "cpu_of_1000": seen.cpu_of_1000} for seen in table.values()
            ],
            "goals": [{**asdict(goal), "verdict": goal.verdict} for goal in self.goals()],
            "idle": self.idle,
            "windows": self.windows,
        }
        write_json(FILE, document)

    def publish(self) -> Path:
        """Page and plot: in docs/ when every contender was measured wherever it is, else beside the file."""
        table = figures(self.windows)
        place = DOCS if complete(table) else FILE.parent
        place.mkdir(exist_ok=True)
        told = page(table, catalogue.ALL, self.goals(), self.windows, conditions())
        (place / "worker.md").write_text(told)
        (place / "worker.svg").write_text(plot(table, catalogue.ALL))
        return place / "worker.md"


def complete(table: Table) -> bool:
    """Whether nothing is missing in the table."""
    return all((one.name, ms) in table for one in catalogue.ALL for ms in one.merchants)


def conditions() -> dict[str, str]:
    """The machine and the versions, in words."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    machine = f"{os.cpu_count()} cores ({model[1] if model else platform.machine()})"
    locked = (ROOT / "requirements" / "bench.txt").read_text() + (ROOT / "requirements" / "worker.txt").read_text()
    versions = dict(re.findall(r"^([\w-]+)==([\w.]+)", locked, re.MULTILINE))
    told = ", ".join(f"{name} {versions[name]}" for name in ("celery", *_TOLD))
    return {"machine": machine, "versions": f"Python {platform.python_version()}, RabbitMQ 4.0.5, {told}"}
