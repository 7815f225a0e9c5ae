"""One experiment: a fault under load on a fresh virtual host, from its first order to its row."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.environment.environment import STEPS, Environment
from benchmarks.faults.environment.scale import Scale
from benchmarks.faults.fault import Fault
from benchmarks.faults.reporting.fault_ledger import Row, failures, reckoned
from merchantroute_kit.accounting.ledger import StepRecord
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import RabbitMQ
from merchantroute_kit.servers.rabbitmq_cluster import RabbitMQCluster
from merchantroute_kit.servers.vhosts import fresh_vhost
from merchantroute_kit.waiting import TimedOut

_TELL_EVERY = 5.0
_SUSPECT = "order is suspect"


def run_fault(
    fault: Fault,
    scale: Scale,
    *,
    amqp_url: str,
    mgmt_url: str,
    broker: RabbitMQ | None,
    merchants: MerchantSim,
    tell: Callable[[str], None],
    root: Path | None = None,
    cluster: RabbitMQCluster | None = None,
) -> Row:
    """Run one fault; `tell` hears of its progress. Logs stay under `root` when it is given.

    `broker` and `cluster` are what the fault may harm, where it needs one; the addresses lead to the same.
    """
    with fresh_vhost(amqp_url, mgmt_url, "test") as vhost, tempfile.TemporaryDirectory() as temporary:
        environment = Environment(root or Path(temporary), vhost, merchants, broker, scale, cluster)
        return asyncio.run(_run(environment, fault, tell))


async def _run(environment: Environment, fault: Fault, tell: Callable[[str], None]) -> Row:
    began = time.monotonic()
    try:
        await environment.set_up(fault.needs)
        beside = [
            asyncio.create_task(life)
            for life in (
                environment.follow_logs(),
                environment.fleet.keep(),
                environment.suspects.keep(),
                _report(environment, fault, tell),
            )
        ]
        try:
            await asyncio.gather(environment.stream.orders(), _strike(environment, fault))
            await environment.settled()
        except TimedOut as late:
            environment.complaints.append(str(late))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        left = await environment.end()
        return await _row(environment, fault, left, time.monotonic() - began)
    finally:
        await environment.close()


async def _strike(environment: Environment, fault: Fault) -> None:
    try:
        await fault.strike(environment)
    finally:
        environment.stream.enough()


async def _row(environment: Environment, fault: Fault, left: int, seconds: float) -> Row:
    seen = await asyncio.to_thread(environment.merchants.receipts, f"{environment.run}-")
    book = {
        order: {name: StepRecord(one["receipts"], one["effects"], one["repeats"]) for name, one in steps.items()}
        for order, steps in seen.items()
    }
    ledger, redelivered, again = reckoned(
        published=environment.observed.published,
        completions=environment.observed.completions,
        dead=environment.observed.dead,
        book=book,
        steps=STEPS,
        queued=left,
        published_again=environment.producer.repeated,
        comes_back=fault.runs_again,
    )
    found = failures(ledger, expected_dead=environment.expected_dead, orders=environment.scale.orders)
    if _SUSPECT in environment.logs.warnings and not environment.fleet.restarts:
        found.append("orders were suspect, and no pod had died")
    if fault.runs_again and not fault.may_spare and not redelivered:
        found.append("no order came back: the fault hit nobody")
    return Row(
        fault=fault.name,
        published=len(ledger.published),
        done=len(ledger.done),
        dead=len(ledger.dead),
        lost=ledger.lost,
        doubled=len(ledger.doubled),
        redelivered=len(redelivered),
        again=len(again),
        queued=left,
        restarts=environment.fleet.restarts + environment.suspects.restarts,
        seconds=round(seconds, 1),
        failures=(*environment.complaints, *found),
    )


async def _report(environment: Environment, fault: Fault, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY)
        observed = environment.observed
        tell(f"{fault.name}: published {len(observed.published)} of {environment.scale.orders}, ended {observed.ended}")
