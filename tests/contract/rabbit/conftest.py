"""The port as the operator holds it, on a virtual host of the test's own."""

from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.contract.rabbit.chains import address_of
from tests.harness.dialing import loopback


@pytest.fixture
def address(vhost: Vhost) -> BrokerAddress:
    """Where the test's virtual host is, as a route's Secret would say."""
    return address_of(vhost)


@pytest.fixture
async def rabbit(address: BrokerAddress) -> AsyncIterator[RabbitBroker]:
    """The port."""
    broker = RabbitBroker(address, loopback())
    yield broker
    await broker.close()


@pytest.fixture
async def channel(address: BrokerAddress) -> AsyncIterator[AbstractChannel]:
    """A producer's and consumer's confirmed channel."""
    connection = await aio_pika.connect(
        host=address.host,
        port=address.port,
        login=address.username,
        password=address.password,
        virtualhost=address.vhost,
    )
    async with connection, connection.channel(on_return_raises=True) as opened:
        yield opened
