"""The real ``broker_port.Broker``: the management API for topology and figures, AMQP for orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from merchantroute_operator.rabbit import checks, topology_reader, topology_writer
from merchantroute_operator.rabbit.management import Management, OnCall, ignore_call
from merchantroute_operator.rabbit.orders.live_count import live_counts
from merchantroute_operator.rabbit.orders.move import move
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import LiveCount, Moved, Plan, QueueSample, QueueTick, Topology, Uncounted


class RabbitBroker:
    """One vhost of one RabbitMQ; see ``broker_port.Broker``. ``on_call`` counts management calls."""

    def __init__(self, address: BrokerAddress, on_call: OnCall = ignore_call) -> None:
        self._address = address
        self._management = Management(address, on_call)

    async def check(self) -> Uncounted:
        """Raise the named error if the broker cannot carry a route; what it does not count."""
        return await checks.check(self._management)

    async def observe(self, prefix: str) -> Topology:
        """What is there of a route."""
        return await topology_reader.observe(self._management, prefix)

    async def run(self, plan: Plan) -> None:
        """Carry out the batches in order."""
        await topology_writer.run(self._management, plan)

    async def samples(self) -> Mapping[str, QueueSample]:
        """The figures of the vhost's queues."""
        return await topology_reader.samples(self._management)

    async def ticks(self, queues: Collection[str]) -> Mapping[str, QueueTick]:
        """What queues last reported of themselves."""
        return await topology_reader.ticks(self._management, queues)

    async def live(self, queues: Collection[str]) -> Mapping[str, LiveCount]:
        """What queues' leaders say now."""
        return await live_counts(self._address, queues)

    async def move(self, queue: str, exchange: str, within: float) -> Moved:
        """Move what is ready in ``queue`` to ``exchange``."""
        return await move(self._address, queue, exchange, within)

    async def close(self) -> None:
        """Let go of connections."""
        await self._management.close()
