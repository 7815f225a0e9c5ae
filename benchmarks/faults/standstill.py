"""SIGSTOP for pods, as on a node that freezes: all their calls run into their time-outs at once."""

import asyncio
import signal

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.fault import Fault

_BLAME = b'"message": "merchant is slow"'


async def strike(environment: Environment) -> None:
    """The broker and the merchants have answered long since; nobody but the pod is to blame."""
    async for slot in environment.victims():
        slot.pod.signal(signal.SIGSTOP)
        await asyncio.sleep(environment.scale.standstill)
        slot.pod.signal(signal.SIGCONT)
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended because they stood still: {environment.fleet.codes}")
    if any(_BLAME in pod.log.read_bytes() for pod in environment.fleet.pods):
        environment.complaints.append("a pod that stood still took a merchant for slow")


FAULT = Fault(name="standstill", what="pods stand still for longer than a call may take", strike=strike)
