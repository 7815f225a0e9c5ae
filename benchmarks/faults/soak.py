"""`python -m benchmarks.chaos_worker.soak`: mixed merchants for five minutes (SECONDS_OF_SOAK=60 for less).

Exit 0 only if no order was lost or doubled, and every pod's memory stayed flat; figures in build/soak-worker.json.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.chaos_worker import idle, table
from benchmarks.chaos_worker.__main__ import BUILD
from benchmarks.chaos_worker.faults.mixed_merchants import mixed
from benchmarks.chaos_worker.flatness import flat, growth
from benchmarks.chaos_worker.own_broker import own_broker
from benchmarks.chaos_worker.progress import Progress, quiet
from benchmarks.chaos_worker.results import write_json
from benchmarks.chaos_worker.scale import FULL
from benchmarks.chaos_worker.story import play
from tests.worker.merchant_sim import Merchants

SCALE = replace(FULL, orders=1, pods=2, merchants=16, rate=60.0, window=20_000)
"""Slower than pods and merchants could be: half of the merchants' orders come back again and again."""


def main() -> int:
    """The program; gives its exit code."""
    text = os.environ.get("SECONDS_OF_SOAK") or "300"
    if not text.isdigit() or int(text) < 30:
        click.echo(f"soak-worker: SECONDS_OF_SOAK={text!r}: a whole number of at least 30 is needed", err=True)
        return 2
    quiet()
    progress = Progress()
    samples: dict[str, list[float]] = {}
    with own_broker() as broker, tempfile.TemporaryDirectory() as scratch:
        merchants = Merchants(Path(scratch) / "merchant-sim.log")
        try:
            resting = idle.measure(Path(scratch), broker, merchants)
            progress.line(resting.line())
            row = play(
                mixed(float(text), samples),
                SCALE,
                amqp_url=broker.amqp_url,
                mgmt_url=broker.mgmt_url,
                broker=broker,
                merchants=merchants,
                tell=progress.tell,
            )
        finally:
            merchants.close()
    progress.line(table.heading())
    progress.line(table.line(row))
    for pod, seen in samples.items():
        verdict = "flat" if flat(seen) else "FAILED: it grows"
        progress.line(
            f"{pod}: {seen[0]:.0f} MB at first, {seen[-1]:.0f} MB at last, grown {growth(seen):+.1f} MB: {verdict}"
        )
    kept = not row.failures and bool(samples) and all(flat(seen) for seen in samples.values())
    write_json(
        BUILD / "soak-worker.json",
        {"ledger": row.as_json(), "pss_mb": samples, "idle": {"pss_mb": resting.pss, "cpu_percent": resting.cpu}},
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
