"""Every re-route that a route can ask for, made while producers publish: each order arrives once."""

import asyncio
import random

import aio_pika
from aio_pika.abc import AbstractChannel

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology.objects import Bind
from merchantroute_operator.topology.plans.changes import retire, tear_down, unfed
from tests.contract.topology.publishing import MERCHANT_IDS, change_to, publish_until, take_all
from tests.contract.topology.stores import IN_EACH_STORE, LONG_IN_EACH_STORE
from tests.unit.operator.order_routing import arrives
from tests.unit.operator.rerouting import DOOR, a_random_route, wanted_by
from tests.unit.operator.route_samples import OWNER

CHANGES = 40
PUBLISHERS = 3
SUSPECT = f"{DOOR}.suspect"


@LONG_IN_EACH_STORE
async def test_forty_changes_of_everything_lose_and_copy_no_order(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    dice = random.Random(11)
    observed = await change_to(rabbit, a_random_route(dice))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        publishers = [
            group.create_task(publish_until(stop, channel, f"producer-{number}")) for number in range(PUBLISHERS)
        ]
        suspecting = group.create_task(publish_until(stop, channel, "worker", SUSPECT))
        for _ in range(CHANGES):
            observed = await change_to(rabbit, a_random_route(dice))
        stop.set()
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    found = await take_all(channel, [name for name in observed.queues if name.endswith((".stable", ".canary"))])
    assert len(sent) > CHANGES  # there was something to lose at each change
    assert found.keys() == sent
    assert set(found.values()) == {1}
    suspects = await take_all(channel, [SUSPECT])
    assert suspects.keys() == suspecting.result()
    assert set(suspects.values()) == {1}


@IN_EACH_STORE
async def test_the_broker_routes_as_the_unit_tests_model_says(rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    dice = random.Random(5)
    observed = await change_to(rabbit, a_random_route(dice))
    for _ in range(6):
        route = a_random_route(dice)
        wanted = wanted_by(route, observed)
        observed = await change_to(rabbit, route)
        for _ in range(3):  # everything is empty: a lane goes, then its ladder, then its exchanges
            await rabbit.run(retire(wanted, observed, unfed(wanted, observed)))
            observed = await rabbit.observe(DOOR)
        assert observed == wanted
        exchange = await channel.get_exchange(DOOR, ensure=False)
        for merchant in MERCHANT_IDS:
            await exchange.publish(aio_pika.Message(b"order"), routing_key=merchant, mandatory=True)
            (lane,) = arrives(observed, DOOR, merchant)
            tier = lane.rsplit(".", 1)[0]  # which of its lanes is the broker's hash to say
            lanes = [name for name in (f"{tier}.stable", f"{tier}.canary") if name in observed.queues]
            assert await take_all(channel, lanes) == {b"order": 1}
        assert not await take_all(channel, list(observed.queues))
    await rabbit.run(tear_down(observed, owner=OWNER, keep_dead=False))
    gone = await rabbit.observe(DOOR)
    assert (gone.exchanges, gone.queues, gone.bindings) == ({}, {}, frozenset())


@IN_EACH_STORE
async def test_a_route_changes_beside_bindings_that_differ_only_in_arguments(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    dice = random.Random(7)
    observed = await change_to(rabbit, a_random_route(dice))
    for _ in range(8):
        routed = {name for name, found in observed.exchanges.items() if found.kind in {"fanout", "direct"}}
        plain = sorted((b for b in observed.bindings if b.source in routed and not b.rung), key=repr)
        twins = [Bind(binding._replace(rung='{"note": "of a team"}')) for binding in dice.sample(plain, 6)]
        await rabbit.run((tuple(twins),))
        observed = await change_to(rabbit, a_random_route(dice))
        exchange = await channel.get_exchange(DOOR, ensure=False)
        for merchant in MERCHANT_IDS:
            await exchange.publish(aio_pika.Message(b"order"), routing_key=merchant, mandatory=True)
            (lane,) = arrives(observed, DOOR, merchant)
            tier = lane.rsplit(".", 1)[0]  # which of its lanes is the broker's hash to say
            lanes = [name for name in (f"{tier}.stable", f"{tier}.canary") if name in observed.queues]
            assert await take_all(channel, lanes) == {b"order": 1}
