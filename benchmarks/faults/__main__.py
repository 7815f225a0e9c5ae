"""`python -m benchmarks.chaos_worker`: play the faults, a line each; exit 0 only if nothing was lost or doubled.

FAULTS=sigkill,connection-cut chooses, ORDERS=2000 makes it shorter.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks.chaos_worker import idle, table
from benchmarks.chaos_worker.choosing import Unusable, chosen_faults, chosen_scale
from benchmarks.chaos_worker.ledger import Row
from benchmarks.chaos_worker.own_broker import own_broker
from benchmarks.chaos_worker.progress import Progress, quiet
from benchmarks.chaos_worker.results import write
from benchmarks.chaos_worker.story import play
from tests.worker.merchant_sim import Merchants

BUILD = Path(__file__).resolve().parents[2] / "build"


def main() -> int:
    """The program; gives its exit code."""
    try:
        faults, scale = chosen_faults(os.environ), chosen_scale(os.environ)
    except Unusable as error:
        click.echo(f"chaos-worker: {error}", err=True)
        return 2
    quiet()
    began, progress = time.monotonic(), Progress()
    rows: list[Row] = []
    with own_broker() as broker, tempfile.TemporaryDirectory() as scratch:
        merchants = Merchants(Path(scratch) / "merchant-sim.log")
        try:
            progress.line(idle.measure(Path(scratch), broker, merchants).line())
            progress.line(table.heading())
            for fault in faults:
                logs = Path(tempfile.mkdtemp(prefix=f"{fault.name}-"))
                row = play(
                    fault,
                    scale,
                    amqp_url=broker.amqp_url,
                    mgmt_url=broker.mgmt_url,
                    broker=broker,
                    merchants=merchants,
                    tell=progress.tell,
                    root=logs,
                )
                rows.append(row)
                progress.line(table.line(row))
                write(BUILD / "chaos-worker.json", rows)
                if row.failures:
                    progress.line(f"    the pods' logs: {logs}")
        finally:
            merchants.close()
    failed = [row.fault for row in rows if row.failures]
    minutes = (time.monotonic() - began) / 60
    told = f"FAILED: {', '.join(failed)}" if failed else "Nothing lost, nothing doubled, no innocent order dead."
    progress.line(f"{told} {sum(row.published for row in rows)} orders in {minutes:.0f} minutes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
