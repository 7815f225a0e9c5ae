"""An order that kills whatever process works on it, among thousands of innocent ones."""

import asyncio

from benchmarks.chaos_worker import queues
from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage


async def strike(stage: Stage) -> None:
    """It ends alone: in the suspect lane, then in dead letters. Its neighbours are all done.

    Nobody waits for it here: innocent orders that were with it twice stand before it in the suspect lane.
    """
    async for number in stage.strikes():
        order_id = f"{stage.run}-poison-{number}"
        stage.expected_dead.add(order_id)
        await asyncio.to_thread(queues.send_task, stage.vhost, "hostile.die", order_id=order_id, merchant=stage.ids[-1])
        stage.roll.published.add(order_id)


FAULT = Fault(
    name="poison-order",
    what="an order kills every process that works on it",
    strike=strike,
    comes_back=True,
    hostile=True,
)
