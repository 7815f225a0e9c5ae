"""`python -m benchmarks.comparison`: what one pod and one core do, beside what else a team would pick.

CONTENDERS=worker-gevent-200,handwritten MERCHANTS=5,50 ROUNDS=3 SECONDS=10 choose, QUICK=1 is under five minutes,
KEEP=1 leaves what other runs have measured. BENCH_PYTHON is the contenders' interpreter (`hack/bench-venv`).
MR_TEST_AMQP and MR_TEST_MGMT name a broker that is there already.
"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.comparison.catalogue import OURS
from benchmarks.comparison.contender import Contender
from benchmarks.comparison.measuring import idle_cost
from benchmarks.comparison.measuring.cores import share_out
from benchmarks.comparison.measuring.merchant_process import MerchantProcess
from benchmarks.comparison.measuring.window import Lab, Window, measure
from benchmarks.comparison.plan import Plan, Unusable, planned
from benchmarks.comparison.reporting.page import goal_table
from benchmarks.comparison.reporting.window_results import FILE, Results
from benchmarks.progress import Progress
from merchantroute_kit.servers.rabbitmq import own_broker

_SPARE = 1.3  # orders published for each that is expected


def main() -> int:
    """The program; gives its exit code."""
    try:
        plan = planned(os.environ)
    except Unusable as error:
        click.echo(f"bench-worker: {error}", err=True)
        return 2
    began, progress = time.monotonic(), Progress()
    rates: dict[tuple[str, int], float] = {}
    failed = False
    results = Results(keep=plan.keep)
    with ExitStack() as stack:
        lab = _lab(stack, progress)
        for number in range(plan.rounds):
            for ms, contender in plan.pairs():
                window = _lasting(lab, plan, contender, ms, rates)
                failures = window.ledger.failures(ours=contender.kind == OURS)
                failed |= bool(failures)
                results.add(contender, ms, window)
                progress.line(_line(number, ms, contender, window, failures))
        if any(contender.kind == OURS for contender in plan.contenders):
            results.rest(asdict(idle_cost.measure(lab, plan.idle)))
    progress.line("\n" + goal_table(results.goals()))
    progress.line(f"\n{results.publish()}, {FILE}: {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if failed else 0


def _lab(stack: ExitStack, progress: Progress) -> Lab:
    amqp_url, mgmt_url = os.environ.get("MR_TEST_AMQP"), os.environ.get("MR_TEST_MGMT")
    if not (amqp_url and mgmt_url):
        broker = stack.enter_context(own_broker())
        amqp_url, mgmt_url = broker.amqp_url, broker.mgmt_url
    cores = share_out()
    if not cores.hold_others(amqp_url):
        progress.line("the broker could not be moved to a core of its own")
    root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    python = Path(os.environ["BENCH_PYTHON"])
    merchants = MerchantProcess(python, root / "merchants.log")
    stack.callback(merchants.close)
    return Lab(amqp_url, mgmt_url, merchants, cores, python, root)


def _lasting(lab: Lab, plan: Plan, contender: Contender, ms: int, rates: dict[tuple[str, int], float]) -> Window:
    """A window whose orders lasted; `rates` remembers how many are needed."""
    warm, seconds = plan.warm_up(ms), plan.window(ms)
    rate = rates.get((contender.name, ms), contender.expected(ms / 1000))
    while True:
        orders = round(_SPARE * rate * (warm + seconds + 2)) + 2 * contender.slots
        window = measure(lab, contender, ms, warm=warm, seconds=seconds, orders=orders)
        if not window.ledger.dry:
            rates[contender.name, ms] = window.orders / window.seconds
            return window
        rate *= 2


def _line(number: int, ms: int, contender: Contender, window: Window, failures: list[str]) -> str:
    per_cpu = window.orders / window.cpu if window.cpu else 0.0
    told = "".join(f"\n    FAILED {failure}" for failure in failures)
    return (
        f"round {number + 1} {ms:>5} ms {contender.name:20} {window.orders / window.seconds:8.1f}/s "
        f"{per_cpu:8.0f}/CPU s {window.pss:6.1f} MB  core {window.own_core:4.0%} others {window.busiest_other:4.0%} "
        f"(merchants {window.merchants:4.0%}) done {window.ledger.done} left {window.ledger.left}{told}"
    )


if __name__ == "__main__":
    sys.exit(main())
