"""Own queues opened and closed on the real broker while producers publish: each confirmed order arrives once."""

import asyncio
from collections import Counter
from collections.abc import Mapping

from aio_pika.abc import AbstractChannel

from merchantroute_operator import naming
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.arguments import MERCHANT
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Topology
from merchantroute_operator.topology.plans.changes import conflicts, open_front_door, retire, skeleton, unfed, wiring
from merchantroute_operator.topology.splits import choose
from tests.contract.topology.publishing import publish_until, take_all
from tests.contract.topology.stores import IN_EACH_STORE
from tests.unit.operator.rerouting import DOOR, MERCHANTS, PLACE
from tests.unit.operator.route_samples import OWNER, a_route

ROUNDS = 6
NAMES = {merchant: naming.own_queue(*PLACE, merchant) for merchant in MERCHANTS}
TIERS = ("enterprise", "standard")


def in_tier(tier: str) -> Route:
    """All merchants are in one of two tiers."""
    return a_route(tiers=TIERS, merchants=dict.fromkeys(MERCHANTS, tier))


def wanted_with(route: Route, observed: Topology, own: Mapping[str, bool]) -> Topology:
    """The route with these own queues, and whether orders are led to each."""
    assigned = {merchant.id: merchant.tier for merchant in route.merchants}
    return desired(route, OWNER, assigned, choose(route, observed), own)


async def change_to(rabbit: RabbitBroker, route: Route, own: Mapping[str, bool]) -> Topology:
    """One pass as the operator makes it."""
    observed = await rabbit.observe(DOOR)
    wanted = wanted_with(route, observed, own)
    assert conflicts(wanted, observed, OWNER) == ()
    for part in (skeleton, wiring, open_front_door):
        plan = part(wanted, observed)
        await rabbit.run(plan)
        observed = await rabbit.observe(DOOR)
    return observed


@IN_EACH_STORE
async def test_opening_and_closing_while_merchants_move_loses_and_copies_no_order(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    lanes = [naming.stable_queue(*PLACE, tier) for tier in TIERS]
    await change_to(rabbit, in_tier("standard"), {})
    stop = asyncio.Event()
    isolated: Counter[bytes] = Counter()
    async with asyncio.TaskGroup() as group:
        publishers = [group.create_task(publish_until(stop, channel, f"producer-{number}")) for number in range(3)]
        for number in range(ROUNDS):
            half = MERCHANTS[number % 2 :: 2]
            tier = TIERS[number % 2]
            await change_to(rabbit, in_tier(TIERS[1 - number % 2]), dict.fromkeys(half, False))
            await change_to(rabbit, in_tier(TIERS[1 - number % 2]), dict.fromkeys(half, True))
            await change_to(rabbit, in_tier(tier), dict.fromkeys(half, True))  # they move while they have them
            observed = await change_to(rabbit, in_tier(tier), {})
            isolated += await take_all(channel, [NAMES[merchant] for merchant in half])
            wanted = wanted_with(in_tier(tier), observed, {})
            assert unfed(wanted, observed) >= {NAMES[merchant] for merchant in half}
        stop.set()
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    isolated += await take_all(channel, list(NAMES.values()))
    found = isolated + await take_all(channel, lanes)
    assert len(sent) > 100
    assert len(isolated) > 20
    assert found.keys() == sent
    assert set(found.values()) == {1}

    observed = await rabbit.observe(DOOR)
    wanted = wanted_with(in_tier("standard"), observed, {})
    await rabbit.run(retire(wanted, observed, NAMES.values()))
    assert not [name for name in (await rabbit.observe(DOOR)).queues if naming.is_own_queue(name)]


@IN_EACH_STORE
async def test_a_queue_says_whose_it_is_whatever_the_merchants_id_holds(rabbit: RabbitBroker) -> None:
    ids = ("mönch/7", "a b~c%2F", "x" * 255, "ключ", '"}]')
    route = a_route(merchants=dict.fromkeys(ids, "standard"))
    await change_to(rabbit, route, dict.fromkeys(ids, False))
    observed = await change_to(rabbit, route, dict.fromkeys(ids, True))

    assert observed == wanted_with(route, observed, dict.fromkeys(ids, True))
    told = {queue.arguments.get(MERCHANT) for name, queue in observed.queues.items() if naming.is_own_queue(name)}
    assert told == set(ids)
    closed = await change_to(rabbit, route, {})
    assert closed.bindings == wanted_with(route, closed, {}).bindings
