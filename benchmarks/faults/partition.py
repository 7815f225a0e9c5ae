"""A partition: the node that leads the lane's queue does not reach the two others, and clients still reach it."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.lane_leader import goes_on, lane_leader, led_elsewhere, missed, whole_again
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """It may confirm nothing alone: RabbitMQ's `pause_minority` closes its connections until it is back."""
    async for _ in environment.strikes():
        node = await lane_leader(environment)
        await asyncio.to_thread(node.cut_off)
        try:
            await led_elsewhere(environment, node)
            await missed(environment, node)
            await goes_on(environment, f"{node.host} is cut off")
        finally:
            await asyncio.to_thread(node.reach)
        await whole_again(environment)


FAULT = Fault(
    name="partition",
    what="of three nodes the one that leads the lane's queue is cut off from the others",
    strike=strike,
    may_spare=True,
    needs=Needs(comes_back=True, cluster=True),
)
