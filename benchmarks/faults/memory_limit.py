"""A task takes more memory than its pod may have, and the kernel kills the pod."""

import asyncio

from benchmarks.chaos_worker import queues
from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import MEMORY, Stage
from benchmarks.chaos_worker.waiting import until

_KILLED = 137


async def strike(stage: Stage) -> None:
    """The task comes back and takes little the second time, so one pod dies for each."""
    async for number in stage.strikes():
        once = stage.root / f"hoard-{number}"
        once.touch()
        dead = len(stage.fleet.codes)
        await asyncio.to_thread(
            queues.send_task,
            stage.vhost,
            "hostile.hoard",
            str(once),
            4 * MEMORY,
            order_id=f"{stage.run}-hoard-{number}",
            merchant=stage.ids[-1],
        )
        await until(lambda dead=dead: len(stage.fleet.codes) > dead, "a pod to reach its memory limit", 120)  # type: ignore[misc] # fmt: skip
    if set(stage.fleet.codes) != {_KILLED}:
        stage.complaints.append(f"pods ended with {stage.fleet.codes}, not by the kernel")


FAULT = Fault(
    name="memory-limit",
    what="the kernel kills a pod that takes too much memory",
    strike=strike,
    comes_back=True,
    hostile=True,
    memory_limit=True,
)
