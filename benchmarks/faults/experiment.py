"""One fault from its first order to its row."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.ledger import Row, failures, reckoned
from benchmarks.chaos_worker.own_broker import OwnBroker
from benchmarks.chaos_worker.scale import Scale
from benchmarks.chaos_worker.stage import STEPS, Stage
from benchmarks.chaos_worker.waiting import Stuck
from merchantroute_demo.ledger import StepRecord
from tests.harness.vhosts import fresh_vhost
from tests.worker.merchant_sim import Merchants

_TELL_EVERY = 5.0


def play(
    fault: Fault,
    scale: Scale,
    *,
    amqp_url: str,
    mgmt_url: str,
    broker: OwnBroker | None,
    merchants: Merchants,
    tell: Callable[[str], None],
    root: Path | None = None,
) -> Row:
    """Play one fault on a fresh virtual host; `tell` hears of its progress. Logs stay under `root` when it is given."""
    with fresh_vhost(amqp_url, mgmt_url, "test") as vhost, tempfile.TemporaryDirectory() as temporary:
        stage = Stage(root or Path(temporary), vhost, merchants, broker, scale)
        return asyncio.run(_play(stage, fault, tell))


async def _play(stage: Stage, fault: Fault, tell: Callable[[str], None]) -> Row:
    began = time.monotonic()
    try:
        await stage.set_up(fault)
        beside = [
            asyncio.create_task(life)
            for life in (stage.hear(), stage.fleet.keep(), stage.suspects.keep(), _report(stage, fault, tell))
        ]
        try:
            await asyncio.gather(stage.publishing.orders(), _strike(stage, fault))
            await stage.settled()
        except Stuck as stuck:
            stage.complaints.append(str(stuck))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        left = await stage.end()
        return await _row(stage, fault, left, time.monotonic() - began)
    finally:
        await stage.close()


async def _strike(stage: Stage, fault: Fault) -> None:
    try:
        await fault.strike(stage)
    finally:
        stage.publishing.enough()


async def _row(stage: Stage, fault: Fault, left: int, seconds: float) -> Row:
    seen = await asyncio.to_thread(stage.merchants.receipts, f"{stage.run}-")
    book = {
        order: {name: StepRecord(one["receipts"], one["effects"], one["repeats"]) for name, one in steps.items()}
        for order, steps in seen.items()
    }
    ledger, redelivered, again = reckoned(
        published=stage.roll.published,
        completions=stage.roll.completions,
        dead=stage.roll.dead,
        book=book,
        steps=STEPS,
        queued=left,
        published_again=stage.producer.repeated,
        comes_back=fault.comes_back and not fault.begun_once,
    )
    found = failures(ledger, expected_dead=stage.expected_dead, orders=stage.scale.orders)
    if fault.comes_back and not fault.begun_once and not redelivered:
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
        restarts=stage.fleet.restarts + stage.suspects.restarts,
        seconds=round(seconds, 1),
        failures=(*stage.complaints, *found),
    )


async def _report(stage: Stage, fault: Fault, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY)
        roll = stage.roll
        tell(f"{fault.name}: published {len(roll.published)} of {stage.scale.orders}, ended {roll.ended}")
