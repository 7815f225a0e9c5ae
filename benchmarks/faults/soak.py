"""`python -m benchmarks.faults.soak`: mixed merchants for five minutes (SECONDS_OF_SOAK=60 for less).

Exit 0 only if no order was lost or doubled, and every pod's memory stayed flat; figures in build/soak-worker.json.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.faults import idle_pod
from benchmarks.faults.__main__ import BUILD
from benchmarks.faults.environment.scale import FULL
from benchmarks.faults.experiment import run_fault
from benchmarks.faults.mixed_merchants import mixed
from benchmarks.faults.reporting import fault_table
from benchmarks.faults.reporting.memory_trend import flat, growth
from benchmarks.json_file import write_json
from benchmarks.progress import Progress, quiet
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import own_broker

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
        merchants = MerchantSim(Path(scratch) / "merchant-sim.log")
        try:
            resting = idle_pod.measure(Path(scratch), broker, merchants)
            progress.line(resting.line())
            row = run_fault(
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
    progress.line(fault_table.heading())
    progress.line(fault_table.line(row))
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
