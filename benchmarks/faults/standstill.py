"""Pods are stopped for a while, as on a node that freezes: all their calls run into their time-outs at once."""

import asyncio
import signal

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage

_BLAME = b'"message": "merchant is slow"'


async def strike(stage: Stage) -> None:
    """The broker and the merchants have answered long since; nobody but the pod is to blame."""
    async for slot in stage.victims():
        slot.pod.signal(signal.SIGSTOP)
        await asyncio.sleep(stage.scale.standstill)
        slot.pod.signal(signal.SIGCONT)
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended because they stood still: {stage.fleet.codes}")
    if any(_BLAME in pod.log.read_bytes() for pod in stage.fleet.pods):
        stage.complaints.append("a pod that stood still took a merchant for slow")


FAULT = Fault(name="standstill", what="pods stand still for longer than a call may take", strike=strike)
