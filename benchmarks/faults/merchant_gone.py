"""Unreachable merchants: of some the name is not known for a while, at others nobody listens."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.fault import Fault
from merchantroute_kit.servers.ports import free_port


async def strike(environment: Environment) -> None:
    """Their orders wait on the ladder, and are done when they are back."""
    async for _ in environment.strikes():
        nowhere = ("http://gone.invalid", f"http://127.0.0.1:{free_port()}")
        environment.configure({one: nowhere[number % 2] for number, one in enumerate(environment.ids[::2])})
        await asyncio.sleep(environment.scale.away)
        environment.configure()


FAULT = Fault(name="merchant-gone", what="half of the merchants cannot be reached", strike=strike)
