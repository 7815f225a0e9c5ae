"""A poison message: an order that kills whatever process works on it, among thousands of innocent ones."""

import asyncio

from benchmarks.faults.environment import route_queues
from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.accounting.observed_orders import Published


async def strike(environment: Environment) -> None:
    """It ends alone: in the suspect lane, then in dead letters. Its neighbours are all done.

    Nobody waits for it here: innocent orders that were with it twice stand before it in the suspect lane.
    """
    async for number in environment.strikes():
        order_id = f"{environment.run}-poison-{number}"
        environment.expected_dead.add(order_id)
        await asyncio.to_thread(
            route_queues.send_task, environment.vhost, "hostile.die", order_id=order_id, merchant=environment.ids[-1]
        )
        environment.observed.publish(Published(order_id))


FAULT = Fault(
    name="poison-order",
    what="an order kills every process that works on it",
    strike=strike,
    needs=Needs(comes_back=True, hostile=True),
)
