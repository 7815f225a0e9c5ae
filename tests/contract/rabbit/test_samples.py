"""Queue figures: unknown is None, and ``published`` counts what producers sent, whatever came back from the ladder.

The broker renews its figures now and then, so one story gives all of them, and each test looks at a part of it.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.topology_reader import sample_of
from merchantroute_operator.topology import arguments
from merchantroute_operator.topology.objects import Bind, Binding, Declare, Exchange, Plan, Queue, QueueSample
from tests.contract.rabbit.chains import ME, ROUTE, address_of, queue, until
from tests.harness.dialing import loopback

LANE = f"{ROUTE}.tier.stable"
RUNG = f"{ROUTE}.tier.retry.200"
IDLE = "mr.other.route.dead"
ORDERS = 40
UNKNOWN = QueueSample(messages=None, ready=None, unacked=None, published=None, consumers=None)
Samples = Mapping[str, QueueSample]


@dataclass(frozen=True)
class Story:
    """Samples after every order came back from the ladder, and one order later.

    Before that, which queues have a sample, and that of one that the broker has not counted yet.
    """

    sampled: frozenset[str]
    fresh: QueueSample
    back: Samples
    settled: Samples
    returned: tuple[str, ...]


@pytest.fixture(scope="module")
def story(module_vhost: Vhost) -> Story:
    return asyncio.run(tell(module_vhost))


def chain() -> Plan:
    """Front door, router, tier, lane and one rung that expires to the router, with the arguments that routes have."""
    router, tier, retry = (f"{ROUTE}.{name}" for name in ("router", "tier", "tier.retry"))
    objects: list[Exchange | Queue] = [
        Exchange(ROUTE, "fanout", arguments.exchange(ME)),
        Exchange(router, "direct", arguments.exchange(ME, tier)),
        Exchange(tier, "fanout", arguments.exchange(ME)),
        Exchange(retry, "headers", arguments.exchange(ME)),
        Queue(LANE, arguments.lane(ME, f"{ROUTE}.dead")),
        Queue(RUNG, arguments.rung(ME, router, 200)),
    ]
    bindings = [
        Binding(retry, RUNG, "queue", "", "200"),
        Binding(tier, LANE, "queue"),
        Binding(ROUTE, router, "exchange"),
    ]
    return (tuple(map(Declare, objects)), tuple(map(Bind, bindings)))


async def tell(vhost: Vhost) -> Story:
    policy = {"pattern": "^mr.other", "apply-to": "queues", "definition": {"max-length": 10}}
    vhost.api("PUT", f"policies/{vhost.name}/platform", policy)
    address = address_of(vhost)
    rabbit = RabbitBroker(address, loopback())
    connection = await aio_pika.connect(
        host=address.host, port=address.port, login=address.username, password=address.password, virtualhost=vhost.name
    )
    async with connection, connection.channel(on_return_raises=True) as channel:
        await rabbit.run((*chain(), (queue(IDLE), queue("celery"), queue("mrs.smith"))))
        sampled = frozenset(await rabbit.samples())
        fresh = await before_it_is_counted(rabbit)
        returned = await round_trip(channel)
        back = await until(rabbit.samples, everything_is_back)
        # The counter is renewed later than the lengths: one more order shows that what came before it is counted.
        door = await channel.get_exchange(ROUTE)
        await door.publish(aio_pika.Message(b"order", headers={"x-death": "the last one"}), "burger-hut")
        settled = await until(rabbit.samples, lambda found: (found[LANE].published or 0) > ORDERS)
    await rabbit.close()
    return Story(sampled, fresh, back, settled, returned)


async def before_it_is_counted(rabbit: RabbitBroker) -> QueueSample:
    """The sample of a queue that was declared a moment ago; of another one where the broker was the quicker."""
    for number in range(100):
        name = f"mr.fresh.{number}"
        await rabbit.run(((queue(name),),))
        if (sample := (await rabbit.samples())[name]).messages is None:
            return sample
    raise AssertionError("the broker counts every queue before we can look at it")


def everything_is_back(found: Samples) -> bool:
    # Consumers and policy come from the queue's own report, which may be a period later than the lengths.
    known = None not in (found[LANE].consumers, found[IDLE].consumers, found[RUNG].consumers)
    known = known and found[RUNG].messages == 0 and found[IDLE].messages == 0
    return (
        known and (found[LANE].unacked, found[LANE].published) == (ORDERS, ORDERS) and found[RUNG].published == ORDERS
    )


async def round_trip(channel: AbstractChannel) -> tuple[str, ...]:
    """Orders through the front door, once over the ladder as a worker sends them there, and back into the lane."""
    retry, back, returned = await channel.get_exchange(f"{ROUTE}.tier.retry"), asyncio.Event(), []

    async def work(message: AbstractIncomingMessage) -> None:
        if "x-death" not in message.headers:
            again = aio_pika.Message(message.body, headers={"mr-rung": "200"}, correlation_id=message.correlation_id)
            await retry.publish(again, message.routing_key or "")
            await message.ack()
            return
        returned.append(str(message.correlation_id))
        if len(returned) == ORDERS:
            back.set()

    await (await channel.get_queue(LANE)).consume(work)
    door = await channel.get_exchange(ROUTE)
    for number in range(ORDERS):
        await door.publish(aio_pika.Message(b"order", correlation_id=f"o-{number}"), "burger-hut")
    await asyncio.wait_for(back.wait(), 60)
    return tuple(returned)


def test_a_queue_that_the_broker_has_no_figures_of_yet_is_unknown_and_not_empty(story: Story) -> None:
    assert story.fresh == replace(UNKNOWN, members=1, online=story.fresh.online)
    assert story.fresh.online in (1, None)


def test_a_queue_that_never_held_an_order_is_empty_and_still_has_no_count(story: Story) -> None:
    told = story.back[IDLE]
    assert (told.messages, told.ready, told.unacked, told.published, told.consumers) == (0, 0, 0, None, 0)


def test_only_queues_of_routes_are_sampled(story: Story) -> None:
    assert story.sampled == {LANE, RUNG, IDLE}


def test_a_foreign_policy_is_named(story: Story) -> None:
    assert (story.back[IDLE].policy, story.back[LANE].policy) == ("platform", None)


def test_published_counts_producers_publishes_and_not_returns_from_the_ladder(story: Story) -> None:
    assert sorted(story.returned) == sorted(f"o-{number}" for number in range(ORDERS))
    figures = QueueSample(messages=ORDERS, ready=0, unacked=ORDERS, published=ORDERS, consumers=1)
    assert story.back[LANE] == replace(figures, members=1, online=1)
    assert story.settled[LANE].published == ORDERS + 1


def test_figures_that_are_left_out_or_null_are_unknown() -> None:
    assert sample_of(json.loads('{"name": "mr.a"}')) == UNKNOWN
    assert sample_of(json.loads('{"name": "mr.a", "messages": null, "message_stats": null}')) == UNKNOWN
    assert sample_of(json.loads('{"name": "mr.a", "message_stats": {"publish": 7}}')).published == 7
