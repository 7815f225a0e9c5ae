"""Broker restarts, in turn by its own shutdown and by SIGKILL."""

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """Publishes whose confirm is lost are repeated under the same id; pods wait, and are not restarted."""
    async for number in environment.strikes():
        await environment.broker.restart(crash=number % 2 == 1)
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a broker that was away: {environment.fleet.codes}")


FAULT = Fault(
    name="broker-restart",
    what="the broker is restarted, and killed",
    strike=strike,
    needs=Needs(comes_back=True, own_broker=True),
)
