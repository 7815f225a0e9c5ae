"""Pods are killed: what they held comes back to the queue."""

import signal

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage


async def strike(stage: Stage) -> None:
    """No goodbye: a call may be half-way, a record written and not acked."""
    async for slot in stage.victims():
        slot.pod.signal(signal.SIGKILL)


FAULT = Fault(name="sigkill", what="pods are killed under load", strike=strike, comes_back=True)
