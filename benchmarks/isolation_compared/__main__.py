"""`python -m benchmarks.isolation_compared`: what merchants in trouble cost the others, beside what else teams have.

CONTENDERS=celery,automatic FAULTS=hang-5,flood LOADS=50 choose, QUICK=1 is a few faults and shorter, KEEP=1 measures
what no run has measured yet. BENCH_PYTHON is the interpreter of DBOS and of what draws (`hack/bench-venv`).
MR_TEST_AMQP with MR_TEST_MGMT name a broker on loopback that is there already.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.isolation_compared.isolation_cell import IsolationCell
from benchmarks.isolation_compared.isolation_lab import IsolationLab
from benchmarks.isolation_compared.isolation_plan import IsolationPlan, UnusablePlan, planned
from benchmarks.isolation_compared.rows.isolation_page import goal_table, with_measured
from benchmarks.isolation_compared.rows.isolation_results import FILE, ROOT, IsolationResults
from benchmarks.progress import Progress

PAGE = ROOT / "docs" / "benchmarks" / "isolation.md"


def main() -> int:
    """The program; gives its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and containers are ended, too
    try:
        plan = planned(os.environ)
    except UnusablePlan as error:
        click.echo(f"bench-isolation: {error}", err=True)
        return 2
    progress = Progress()
    progress.line(f"{len(plan.cells())} cells, about {plan.minutes:.0f} minutes at most")
    failed = _measured(plan, progress)
    _publish(progress)
    return 1 if failed else 0


def _publish(progress: Progress) -> None:
    """The page's measured part and the pictures, from all rows that there are."""
    rows = json.loads((ROOT / FILE).read_text())
    PAGE.write_text(with_measured(PAGE.read_text(), rows))
    command = [os.environ["BENCH_PYTHON"], "-m", "benchmarks.isolation_compared.rows.isolation_plot"]
    subprocess.run([*command, str(ROOT / FILE), str(PAGE.parent)], check=True, cwd=ROOT)
    progress.line(f"\n{goal_table(rows)}\n\nwritten: {FILE}, {PAGE.relative_to(ROOT)}")


def _measured(plan: IsolationPlan, progress: Progress) -> bool:
    """Whether an order of this project was lost or doubled."""
    results, failed = IsolationResults(keep=plan.keep), False
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lab = IsolationLab(stack, root)
        for number, (contender, load, trouble) in enumerate(plan.cells()):
            if results.has(contender, trouble.name, load):
                continue
            place = root / f"cell-{number}"
            place.mkdir()
            began = time.monotonic()
            cell = IsolationCell(lab.rival(contender), load, trouble, plan.times, lab.merchants, progress)
            found, use = cell.run(place)
            took = {**asdict(use), "fault_seconds": plan.times.fault}
            row = results.add(contender, trouble.name, load, asdict(found), took)
            progress.line(f"{results.line(row)}  {time.monotonic() - began:.0f} s")
            failed |= lab.is_ours(contender) and bool(found.lost or found.doubled)
    return failed


if __name__ == "__main__":
    sys.exit(main())
