"""A canary's share, measured on the real broker, and changed while producers publish."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.objects import Bind, Binding, Unbind
from merchantroute_operator.topology.plans.changes import retire, unfed
from tests.contract.topology.publishing import change_to, publish_until, take_all
from tests.contract.topology.stores import IN_EACH_STORE, LONG_IN_EACH_STORE
from tests.unit.operator.rerouting import DOOR, UNLISTED, wanted_by
from tests.unit.operator.route_samples import a_route

ORDERS = 20_000
AT_ONCE = 500
ROUNDS = 2
STABLE, CANARY = f"{DOOR}.standard.stable", f"{DOOR}.standard.canary"


def at(weight: int | None) -> Route:
    """A route of one tier with this share for its canary; None is no canary."""
    canary = {} if weight is None else {"canary": {"weight": weight}}
    return a_route(tiers=[{"name": "standard", **canary}])


async def publish(channel: AbstractChannel, orders: list[str]) -> None:
    """All of them, confirmed; an order's id is its text."""
    door = await channel.get_exchange(DOOR, ensure=False)
    for start in range(0, len(orders), AT_ONCE):
        await asyncio.gather(
            *(
                door.publish(
                    aio_pika.Message(order.encode(), correlation_id=order), routing_key=UNLISTED, mandatory=True
                )
                for order in orders[start : start + AT_ONCE]
            )
        )


async def drain(channel: AbstractChannel, name: str) -> Counter[bytes]:
    """All that a queue holds, taken out.

    A passive declaration says 0 where the leader does not answer within 250 ms, so that only a `basic.get` ends it.
    """
    found: Counter[bytes] = Counter()
    queue = await channel.get_queue(name, ensure=False)
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found[message.body] += 1
        if left := (await channel.declare_queue(name, passive=True)).declaration_result.message_count:
            async with queue.iterator(no_ack=True) as messages:
                async for message in messages:
                    found[message.body] += 1
                    left -= 1
                    if not left:
                        break
    return found


@pytest.mark.extended  # test_measured_share shows half of 2,000
@pytest.mark.parametrize("weight", [1, 5, 20, 50, 99])
async def test_the_share_is_within_a_point_over_20_000_orders(
    rabbit: RabbitBroker,
    channel: AbstractChannel,
    weight: int,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    await change_to(rabbit, at(weight))
    # ids as producers make them; the same ones in every run, so that this either holds or does not
    orders = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"order-{number}")) for number in range(ORDERS)]
    await publish(channel, orders)
    canary, stable = await drain(channel, CANARY), await drain(channel, STABLE)
    share = 100 * len(canary) / ORDERS
    record_testsuite_property(f"canary-share-at-{weight}", round(share, 2))
    assert canary.keys() | stable.keys() == {order.encode() for order in orders}
    assert canary.total() + stable.total() == ORDERS
    assert abs(share - weight) <= 1.0


async def test_an_order_that_comes_again_stays_in_its_lane_and_a_larger_weight_only_adds_to_the_canary(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    orders = [f"order-{number}" for number in range(300)]
    before: set[bytes] = set()
    for weight in (30, 30, 60, 100):
        await change_to(rabbit, at(weight))
        await publish(channel, orders)
        canary = (await drain(channel, CANARY)).keys()
        await drain(channel, STABLE)
        assert canary >= before
        assert weight != 30 or not before or canary == before
        assert 0 < len(canary) < len(orders) or weight == 100
        before = set(canary)
    assert len(before) == len(orders)


@LONG_IN_EACH_STORE
async def test_a_canary_from_nothing_to_all_and_back_loses_and_copies_no_order(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    await change_to(rabbit, at(None))
    stop = asyncio.Event()
    canary: Counter[bytes] = Counter()
    async with asyncio.TaskGroup() as group:
        publishers = [group.create_task(publish_until(stop, channel, f"producer-{number}")) for number in range(3)]
        for _ in range(ROUNDS):
            for weight in (0, 5, 50, 100, 0, 30, 80, 0):
                await change_to(rabbit, at(weight))
            # nothing feeds it any more: what it holds is worked, then it goes with its route's wish for it
            observed = await change_to(rabbit, at(None))
            canary += await take_all(channel, [CANARY])
            wanted = wanted_by(at(None), observed)
            assert unfed(wanted, observed) == {CANARY}
            await rabbit.run(retire(wanted, observed, {CANARY}))
            assert await rabbit.observe(DOOR) == wanted
        stop.set()
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    found = canary + await take_all(channel, [STABLE])
    assert len(sent) > 100
    assert canary
    assert found.keys() == sent
    assert set(found.values()) == {1}


@IN_EACH_STORE
async def test_a_split_that_somebody_changed_is_built_anew_beside_it(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    orders = [f"order-{number}" for number in range(1000)]
    observed = await change_to(rabbit, at(50))
    await publish(channel, orders)
    before = len(await drain(channel, CANARY))
    await drain(channel, STABLE)
    split = f"{DOOR}.standard.split.a"
    share = Binding(split, CANARY, "queue", key="50")
    assert share in observed.bindings
    # binds it twice and takes the first away: it is bound, and gets nothing
    await rabbit.run(((Bind(Binding(split, CANARY, "queue", key="20")),), (Unbind(share),)))
    await publish(channel, orders)
    assert not await drain(channel, CANARY)
    await drain(channel, STABLE)
    repaired = await change_to(rabbit, at(50))
    assert split not in repaired.exchanges
    assert f"{DOOR}.standard.split.b" in repaired.exchanges
    await publish(channel, orders)
    assert len(await drain(channel, CANARY)) == before
