"""SIGKILL for pods: what they held comes back to the queue."""

import signal

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """No goodbye: a call may be half-way, a record written and not acked."""
    async for slot in environment.victims():
        slot.pod.signal(signal.SIGKILL)


FAULT = Fault(name="sigkill", what="pods are killed under load", strike=strike, needs=Needs(comes_back=True))
