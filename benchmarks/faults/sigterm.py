"""SIGTERM for pods under load, as in a rollout: one after another, each with a new one in its place."""

from benchmarks.faults.environment.environment import GRACE, Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """What was begun is finished, the rest handed back: no step is called again."""
    async for slot in environment.victims():
        code = await environment.fleet.replace(slot, GRACE)
        if code:
            environment.complaints.append(f"{slot.name} ended with {code} after SIGTERM")


FAULT = Fault(
    name="sigterm", what="pods are told to end under load", strike=strike, begun_once=True, needs=Needs(comes_back=True)
)
