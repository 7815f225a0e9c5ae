"""SIGTERM for pods in their first moments, as in a rollout that is rolled back while it is under way."""

import signal

from benchmarks.faults.environment.environment import GRACE, Environment
from benchmarks.faults.fault import Fault

_AFTER = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)  # seconds
_ENDS = {0, -signal.SIGTERM}  # before Python can handle a signal, it ends the process


async def strike(environment: Environment) -> None:
    """Each ends cleanly, and what it began is finished: no order is run to its end again."""
    async for number in environment.strikes():
        slot = environment.fleet.slots[number % len(environment.fleet.slots)]
        for after in _AFTER:
            name = f"brief-{number}-{after:g}"
            code = await environment.fleet.brief(slot, name, after, GRACE)
            if code not in _ENDS:
                environment.complaints.append(f"{name} ended with {code} after SIGTERM")


FAULT = Fault(name="sigterm-at-start", what="pods are told to end in their first moments", strike=strike)
