"""Brokers that count nothing, or no publishes: the port says which setting it is, and leaders still answer."""

from collections.abc import AsyncIterator, Iterator

import aio_pika
import pytest

from merchantroute_kit.servers.rabbitmq import USER, own_broker
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology.objects import COUNTS_ALL, LiveCount, QueueTick, Uncounted
from tests.contract.rabbit.chains import ROUTE, address_of, queue, until
from tests.harness.dialing import loopback

QUEUE = f"{ROUTE}.tier.stable"
PROMPT = "-rabbit collect_statistics_interval 1000 -rabbit quorum_tick_interval 1000"
COLLECTOR = "-rabbitmq_management_agent disable_metrics_collector true"
# Lengths are answered all the same here, of an age that nobody knows, and no counter.
STATS = "-rabbitmq_management disable_management_stats true -rabbitmq_management enable_queue_totals true"
RATES = "-rabbitmq_management rates_mode none -rabbitmq_management_agent rates_mode none"


@pytest.fixture(
    scope="module",
    # What the first two leave uncounted has the same words, whichever it is.
    params=[pytest.param(COLLECTOR, marks=pytest.mark.extended), STATS, RATES],
    ids=["collector", "stats", "rates"],
)
def counting(request: pytest.FixtureRequest) -> Iterator[tuple[str, Vhost]]:
    with (
        own_broker(f"{PROMPT} {request.param}") as broker,
        fresh_vhost(broker.amqp_url, broker.mgmt_url, USER) as vhost,
    ):
        yield request.param, vhost


@pytest.fixture
async def port(counting: tuple[str, Vhost]) -> AsyncIterator[RabbitBroker]:
    port = RabbitBroker(address_of(counting[1]), loopback())
    yield port
    await port.close()


async def test_the_setting_is_named(counting: tuple[str, Vhost], port: RabbitBroker) -> None:
    settings, _ = counting
    told: Uncounted = await port.check()

    assert told.queues == (settings != RATES)
    named = ("rates_mode",) if settings == RATES else ("disable_metrics_collector", "disable_stats")
    assert all(name in told.words for name in named)


async def test_nothing_is_proven_by_what_is_not_counted(counting: tuple[str, Vhost], port: RabbitBroker) -> None:
    settings, vhost = counting
    await port.run(((queue(QUEUE),),))
    connection = await aio_pika.connect(vhost.amqp_url)
    async with connection, connection.channel() as channel:
        await channel.default_exchange.publish(aio_pika.Message(b"order"), QUEUE)

    assert await port.live((QUEUE,)) == {QUEUE: LiveCount(ready=1, consumers=0)}
    if settings == RATES:
        reported = await until(lambda: port.ticks((QUEUE,)), lambda found: found[QUEUE].messages == 1)
        assert reported[QUEUE].reductions
        assert (await port.samples())[QUEUE].published is None
    else:
        assert (await port.ticks((QUEUE,)))[QUEUE] in (QueueTick(None, None), QueueTick(0, None), QueueTick(1, None))


async def test_a_broker_that_counts_says_nothing(rabbit: RabbitBroker) -> None:
    assert await rabbit.check() == COUNTS_ALL
