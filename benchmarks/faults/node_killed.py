"""A killed node: of three that are one broker, the one that leads the lane's queue."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.lane_leader import goes_on, lane_leader, led_elsewhere, whole_again
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """The two others go on at once; who was connected to it connects to one of them."""
    async for _ in environment.strikes():
        node = await lane_leader(environment)
        await asyncio.to_thread(node.kill)
        await led_elsewhere(environment, node)
        await goes_on(environment, f"{node.host} is dead")
        await asyncio.to_thread(node.start_again)
        await whole_again(environment)


FAULT = Fault(
    name="node-killed",
    what="of three nodes the one that leads the lane's queue is killed",
    strike=strike,
    may_spare=True,
    needs=Needs(comes_back=True, cluster=True),
)
