"""A vhost of the real broker, as the operator and as producers reach it, with either of RabbitMQ's metadata stores."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.rabbitmq import own_broker
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from tests.contract.rabbit.chains import address_of
from tests.harness.broker import Broker
from tests.harness.dialing import loopback


@pytest.fixture(scope="session")
def khepri(broker: Broker) -> Iterator[Broker]:
    """A broker with Khepri: one that is given has whichever store it has."""
    if broker.name is None:
        yield broker
        return
    with own_broker() as own:
        assert own.run("rabbitmqctl", "enable_feature_flag", "--opt-in", "khepri_db")
        yield Broker(own.amqp_url, own.mgmt_url, own.container)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """The metadata store: ``mnesia``, or ``khepri``."""
    return str(getattr(request, "param", "mnesia"))


@pytest.fixture
def vhost(request: pytest.FixtureRequest, broker: Broker, store: str) -> Iterator[Vhost]:
    used: Broker = request.getfixturevalue("khepri") if store == "khepri" else broker
    user = urlsplit(used.amqp_url).username or "guest"
    with fresh_vhost(used.amqp_url, used.mgmt_url, user) as made:
        yield made


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
