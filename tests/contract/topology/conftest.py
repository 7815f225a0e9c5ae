"""A vhost of the real broker, as the operator and as producers reach it."""

from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from tests.contract.rabbit.chains import address_of
from tests.harness.dialing import loopback


@pytest.fixture
async def rabbit(vhost: Vhost) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(address_of(vhost), loopback())
    yield broker
    await broker.close()


@pytest.fixture
async def channel(vhost: Vhost) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(vhost.amqp_url)
    async with connection, connection.channel(on_return_raises=True) as opened:
        yield opened
