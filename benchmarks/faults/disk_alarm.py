"""A disk alarm: one node of three has no room left, and all of them block everybody who publishes."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.lane_leader import lane_leader, whole_again
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import until_async

_COMMAND = 60.0


async def strike(environment: Environment) -> None:
    """Pods go on; an outcome that needs a publish is held meanwhile."""
    async for _ in environment.strikes():
        node = await lane_leader(environment)
        await until_async(node.fill_disk, f"{node.host} to be without disk", _COMMAND, in_thread=True)
        try:
            noticed = lambda: any("blocks publishing" in said for said in environment.logs.warnings)  # noqa: E731
            await until_async(noticed, "pods to notice", _COMMAND)
            await asyncio.sleep(min(environment.scale.lasting, 10.0))
            alive = [slot.pod.get("/livez")[0] for slot in environment.fleet.slots]
            if any(status != 200 for status in alive):
                environment.complaints.append(f"pods were not alive during the alarm: {alive}")
        finally:
            await until_async(node.free_disk, f"{node.host} to have disk again", _COMMAND, in_thread=True)
        await whole_again(environment)


FAULT = Fault(
    name="disk-alarm", what="one node of three has no disk, and all block", strike=strike, needs=Needs(cluster=True)
)
