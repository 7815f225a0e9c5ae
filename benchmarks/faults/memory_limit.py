"""An OOM kill: a task takes more memory than its pod may have, and the kernel kills the pod."""

import asyncio

from benchmarks.faults.environment import route_queues
from benchmarks.faults.environment.environment import MEMORY, Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import until_async

_KILLED = 137


async def strike(environment: Environment) -> None:
    """The task comes back and takes little the second time, so one pod dies for each."""
    async for number in environment.strikes():
        once = environment.root / f"hoard-{number}"
        once.touch()
        dead = len(environment.fleet.codes)
        await asyncio.to_thread(
            route_queues.send_task,
            environment.vhost,
            "hostile.hoard",
            str(once),
            4 * MEMORY,
            order_id=f"{environment.run}-hoard-{number}",
            merchant=environment.ids[-1],
        )
        await until_async(lambda dead=dead: len(environment.fleet.codes) > dead, "a pod to reach its memory limit", 120)  # type: ignore[misc] # fmt: skip
    if set(environment.fleet.codes) != {_KILLED}:
        environment.complaints.append(f"pods ended with {environment.fleet.codes}, not by the kernel")


FAULT = Fault(
    name="memory-limit",
    what="the kernel kills a pod that takes too much memory",
    strike=strike,
    needs=Needs(comes_back=True, hostile=True, memory_limit=True),
)
