"""`python -m benchmarks.faults`: run the faults, a line each; exit 0 only if nothing was lost or doubled.

FAULTS=sigkill,connection-cut chooses, ORDERS=2000 and ALARM=60 make it shorter.
"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks.faults import idle_pod
from benchmarks.faults.environment.scale import of_a_cluster
from benchmarks.faults.experiment import run_fault
from benchmarks.faults.reporting import fault_table
from benchmarks.faults.reporting.fault_ledger import Row
from benchmarks.faults.selection import Unusable, chosen_faults, chosen_scale
from benchmarks.progress import Progress, quiet
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import own_broker
from merchantroute_kit.servers.rabbitmq_cluster import RabbitMQCluster, own_cluster

BUILD = Path(__file__).resolve().parents[2] / "build"


class Nodes(ExitStack):
    """The broker of three nodes, started when the first fault asks for it."""

    _started: RabbitMQCluster | None = None

    def get(self) -> RabbitMQCluster:
        """Give it, whole."""
        self._started = self._started or self.enter_context(own_cluster())
        return self._started


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
    with own_broker() as broker, Nodes() as nodes, tempfile.TemporaryDirectory() as scratch:
        merchants = MerchantSim(Path(scratch) / "merchant-sim.log")
        try:
            progress.line(idle_pod.measure(Path(scratch), broker, merchants).line())
            progress.line(fault_table.heading())
            for fault in faults:
                logs = Path(tempfile.mkdtemp(prefix=f"{fault.name}-"))
                three = nodes.get() if fault.needs.cluster else None
                reached = three or broker
                row = run_fault(
                    fault,
                    of_a_cluster(scale) if three else scale,
                    amqp_url=reached.amqp_url,
                    mgmt_url=reached.mgmt_url,
                    broker=broker,
                    merchants=merchants,
                    tell=progress.tell,
                    root=logs,
                    cluster=three,
                )
                rows.append(row)
                progress.line(fault_table.line(row))
                fault_table.write(BUILD / "chaos-worker.json", rows)
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
