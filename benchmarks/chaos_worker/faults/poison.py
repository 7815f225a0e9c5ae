"""An order that kills whatever process works on it, among thousands of innocent ones."""

import asyncio

from benchmarks.chaos_worker import queues
from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from benchmarks.chaos_worker.waiting import until

_UNTIL_DEAD = 300.0


async def strike(stage: Stage) -> None:
    """It ends alone: in the suspect lane, then in dead letters. Its neighbours are all done."""
    async for number in stage.strikes():
        order_id = f"{stage.run}-poison-{number}"
        stage.expected_dead.add(order_id)
        await asyncio.to_thread(queues.send_task, stage.vhost, "hostile.die", order_id=order_id, merchant=stage.ids[-1])
        stage.roll.published.add(order_id)
    await until(lambda: stage.expected_dead <= stage.roll.dead.keys(), "the poison to be in dead letters", _UNTIL_DEAD)


FAULT = Fault(
    name="poison-order",
    what="an order kills every process that works on it",
    strike=strike,
    comes_back=True,
    hostile=True,
)
