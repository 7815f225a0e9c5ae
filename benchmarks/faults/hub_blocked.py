"""User code computes without a pause: under gevent the whole pod stands still meanwhile."""

import asyncio

from benchmarks.chaos_worker import queues
from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage


async def strike(stage: Stage) -> None:
    """Calls that were under way are late, heartbeats too; nothing of it may cost an order."""
    async for number in stage.strikes():
        await asyncio.to_thread(
            queues.send_task,
            stage.vhost,
            "hostile.spin",
            stage.scale.spin,
            order_id=f"{stage.run}-spin-{number}",
            merchant=stage.ids[-1],
        )
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended because one stood still: {stage.fleet.codes}")


FAULT = Fault(name="hub-blocked", what="user code keeps the hub to itself", strike=strike, hostile=True)
