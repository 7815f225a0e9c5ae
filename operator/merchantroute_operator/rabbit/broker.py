"""The real ``broker_port.Broker``: the management API for topology and figures, AMQP for orders."""

from __future__ import annotations

from collections.abc import Mapping

from merchantroute_operator.rabbit import topology_reader, topology_writer
from merchantroute_operator.rabbit.management import Management, OnCall, ignore_call
from merchantroute_operator.rabbit.move import move
from merchantroute_operator.rabbit.preflight import checks
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import Plan, QueueSample, Topology


class RabbitBroker:
    """One vhost of one RabbitMQ; see ``broker_port.Broker``. ``on_call`` counts management calls."""

    def __init__(self, address: BrokerAddress, on_call: OnCall = ignore_call) -> None:
        self._address = address
        self._management = Management(address, on_call)
        self._greeted = False

    async def check(self) -> None:
        """Raise the named error if the broker cannot carry a route."""
        await checks.check(self._management, greets=not self._greeted)
        self._greeted = True

    async def observe(self, prefix: str) -> Topology:
        """What is there of a route."""
        return await topology_reader.observe(self._management, prefix)

    async def run(self, plan: Plan) -> None:
        """Carry out the batches in order."""
        await topology_writer.run(self._management, plan)

    async def samples(self) -> Mapping[str, QueueSample]:
        """The figures of the vhost's queues."""
        return await topology_reader.samples(self._management)

    async def move(self, queue: str, exchange: str) -> int:
        """Move what is ready in ``queue`` to ``exchange``."""
        return await move(self._address, queue, exchange)

    async def close(self) -> None:
        """Let go of connections."""
        await self._management.close()
