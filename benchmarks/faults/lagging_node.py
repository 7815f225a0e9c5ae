"""A node that lags: the one that leads the lane's queue stands still, first for moments, then until it is missed."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.lane_leader import goes_on, lane_leader, led_elsewhere, missed, whole_again
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault

_MOMENTS = 3
_MOMENT, _BETWEEN = 2.0, 1.0  # seconds; shorter than what the others take for gone


async def strike(environment: Environment) -> None:
    """Connections to it stand and say nothing, and new ones get to it too: no probe that only connects sees it."""
    async for _ in environment.strikes():
        node = await lane_leader(environment)
        for _moment in range(_MOMENTS):
            await asyncio.to_thread(node.freeze)
            await asyncio.sleep(_MOMENT)
            await asyncio.to_thread(node.thaw)
            await asyncio.sleep(_BETWEEN)
        node = await lane_leader(environment)
        await asyncio.to_thread(node.freeze)
        try:
            await led_elsewhere(environment, node)
            await missed(environment, node)
            await goes_on(environment, f"{node.host} stands still")
        finally:
            await asyncio.to_thread(node.thaw)
        await goes_on(environment, f"{node.host} stays apart")
        # Mnesia takes a node that was missed back only once it has been restarted; Khepri takes it back as it is.
        await node.restart(crash=False)
        await whole_again(environment)


FAULT = Fault(
    name="lagging-node",
    what="of three nodes the one that leads the lane's queue stands still, for moments and for longer",
    strike=strike,
    may_spare=True,
    needs=Needs(comes_back=True, cluster=True),
)
