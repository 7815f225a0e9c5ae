"""A route in a vhost with what many others have there: what it costs does not grow with them, and nothing is missed.

What is counted are requests on the real broker, not their time.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator import naming
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.vhost.vhost_reads import VhostReads
from merchantroute_operator.topology.objects import OWNER as OWNER_ARGUMENT
from merchantroute_operator.topology.objects import Bind, Binding, Declare, Delete, Exchange, Op, Unbind
from tests.contract.rabbit.chains import address_of
from tests.contract.topology.test_what_others_break import DOOR, Place
from tests.harness.dialing import loopback
from tests.unit.operator.route_samples import OWNER

OTHERS = 60  # exchanges of other routes; each leads to all of them
LISTS = ("exchanges", "queues", "bindings")
TIER = f"{DOOR}.enterprise"


class CountingBroker(RabbitBroker):
    """The port, which counts what it asks: lists of the whole vhost by kind, and things of it as ``by name``."""

    def __init__(self, vhost: Vhost) -> None:
        ticking = itertools.count(0.0, 0.01)  # seconds; no machine is so slow that a minute passes
        super().__init__(address_of(vhost), loopback(), reads=VhostReads(ticking.__next__))
        self.asked: Counter[str] = Counter()
        call = self._management.call

        async def counted(method: str, *path: str, **how: Any) -> Any:
            if method == "GET" and path[0] in (*LISTS, "overview"):
                self.asked[path[0] if len(path) < 3 else "by name"] += 1
            return await call(method, *path, **how)  # type: ignore[arg-type]

        self._management.call = counted  # type: ignore[method-assign]

    def lists(self) -> int:
        """How often the vhost was listed since the last call."""
        asked, self.asked = self.asked, Counter()
        return sum(asked[kind] for kind in LISTS)


@pytest.fixture
async def rabbit(vhost: Vhost) -> AsyncIterator[CountingBroker]:
    """With other routes, which it has seen once, as the scaler does each 25 s."""
    names = [f"mr.others.route-{number}" for number in range(OTHERS)]
    vhost.api("POST", f"definitions/{vhost.name}", {
        "exchanges": [
            {"name": name, "type": "fanout", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
            for name in names
        ],
        "bindings": [
            {"source": one, "destination": two, "destination_type": "exchange", "routing_key": "", "arguments": {}}
            for one in names for two in names
        ],
    })  # fmt: skip
    broker = CountingBroker(vhost)
    await broker.recent(0.0)
    assert broker.lists() == len(LISTS)
    yield broker
    await broker.close()


@pytest.fixture
async def place(rabbit: CountingBroker) -> Place:
    made = Place(rabbit)
    await made.look()
    await made.look()
    return made


async def test_a_fresh_route_lists_nothing_and_is_there_whole(rabbit: CountingBroker) -> None:
    place = Place(rabbit)
    for _ in range(3):
        await place.look()
    assert rabbit.lists() == 0
    left = place.reconciler.states["orders", "pos"].seen.topology
    assert left == await rabbit.observe(DOOR)
    assert left.queues
    assert {(b.source, b.key) for b in left.bindings} >= {(DOOR, ""), (naming.assigned("orders", "pos"), "hut")}
    assert condition(place, "QueuesReady") == "True"


async def test_an_operator_that_starts_anew_reads_nothing_of_a_route_that_is_as_it_should_be(
    place: Place, rabbit: CountingBroker
) -> None:
    await rabbit.recent(0.0)
    rabbit.asked.clear()
    again = Place(rabbit)
    await again.look()
    assert not rabbit.asked
    assert again.reconciler.states["orders", "pos"].seen.topology == await rabbit.observe(DOOR)
    await place.breaks(Unbind(Binding(f"{DOOR}.assigned", TIER, "exchange", key="hut")))
    assert "for hut was removed" in await again.look()


async def test_what_the_broker_says_of_itself_is_asked_for_once_for_routes_that_come_at_once(
    vhost: Vhost, rabbit: CountingBroker
) -> None:
    small = CountingBroker(vhost)  # has not seen the others yet
    for broker in (small, rabbit):
        for _ in range(3):
            await broker.check()
    assert (small.asked["overview"], rabbit.asked["overview"]) == (3, 1)
    await small.close()


def condition(place: Place, kind: str) -> str:
    """A condition's status."""
    found: list[str] = [each["status"] for each in place.kube.status["conditions"] if each["type"] == kind]
    return found[0]


@pytest.mark.parametrize(
    ("ops", "words"),
    [
        ([Delete("queue", f"{TIER}.stable")], f"queue {TIER}.stable was deleted"),
        ([Delete("exchange", f"{DOOR}.router")], f"exchange {DOOR}.router was deleted"),
        ([Delete("exchange", DOOR)], f"exchange {DOOR} was deleted"),
        ([Unbind(Binding(f"{DOOR}.assigned", TIER, "exchange", key="hut"))], "for hut was removed"),
        ([Bind(Binding(f"{DOOR}.default", TIER, "exchange"))], f"binding {DOOR}.default to {TIER} was added"),
    ],
)
async def test_what_others_break_is_back_after_one_pass_without_a_list(
    place: Place, rabbit: CountingBroker, ops: list[Op], words: str
) -> None:
    before = await place.breaks(*ops)
    rabbit.lists()
    assert words in await place.look()
    assert rabbit.lists() == 0
    assert await rabbit.observe(DOOR) == before


async def test_a_tap_and_a_way_in_of_others_stay_and_are_seen(place: Place, rabbit: CountingBroker) -> None:
    tap, theirs = Exchange("team.tap", "fanout", {}), Exchange("team.source", "fanout", {})
    ways = [Binding(DOOR, tap.name, "exchange"), Binding(theirs.name, f"{TIER}.stable", "queue")]
    await rabbit.run(((Declare(tap), Declare(theirs)), tuple(map(Bind, ways))))
    await rabbit.recent(0.0)
    rabbit.lists()
    assert await place.look() == ""
    assert rabbit.lists() == 0
    left = place.reconciler.states["orders", "pos"].seen.topology
    assert left == await rabbit.observe(DOOR)
    assert left.bindings.issuperset(ways)


async def test_what_another_owner_made_under_its_name_meanwhile_is_a_conflict(rabbit: CountingBroker) -> None:
    await rabbit.run(((Declare(Exchange(f"{DOOR}.router", "direct", {OWNER_ARGUMENT: "cluster-2/orders/pos"})),),))
    place = Place(rabbit)
    await place.look()
    assert rabbit.lists() == 0
    assert condition(place, "QueuesReady") == "False"
    assert (await rabbit.observe(DOOR)).queues == {}


async def test_nothing_is_deleted_before_the_whole_vhost_was_read(place: Place, rabbit: CountingBroker) -> None:
    """Since the vhost was listed somebody led orders to what is to go: only a list shows the end of their way."""
    stray, way = Exchange(f"{DOOR}.old", "fanout", {OWNER_ARGUMENT: OWNER}), Exchange("team.way", "fanout", {})
    await rabbit.run(((Declare(stray),),))
    await rabbit.recent(0.0)
    ways = Binding(DOOR, way.name, "exchange"), Binding(way.name, stray.name, "exchange")
    await rabbit.run(((Declare(way),), tuple(map(Bind, ways))))
    rabbit.lists()

    await place.look()

    assert rabbit.lists() >= len(LISTS)
    assert stray.name in (await rabbit.observe(DOOR)).exchanges
