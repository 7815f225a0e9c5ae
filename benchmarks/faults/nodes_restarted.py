"""A rolling restart of three nodes, as an upgrade of the broker is: each once all queues have their members again."""

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.lane_leader import whole_again
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """Every connection breaks once or more, since whoever leaves one node may come to the next one."""
    async for _ in environment.strikes():
        for node in environment.cluster.nodes:
            await node.restart(crash=False)
            await whole_again(environment)


FAULT = Fault(
    name="nodes-restarted",
    what="three nodes are restarted, one after the other",
    strike=strike,
    needs=Needs(comes_back=True, cluster=True),
)
