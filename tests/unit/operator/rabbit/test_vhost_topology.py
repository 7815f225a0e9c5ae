"""A route's part of a vhost: its own objects, every binding from or to them, and nothing of a neighbour's."""

from __future__ import annotations

from merchantroute_operator.naming import front_door
from merchantroute_operator.rabbit.vhost.vhost_topology import vhost_topology
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Binding, Exchange, Queue, Topology
from tests.unit.operator.route_samples import OWNER, raw_route


def route(name: str, namespace: str = "orders") -> Topology:
    raw = raw_route(merchants={"burger": "enterprise"})
    raw["metadata"] |= {"name": name, "namespace": namespace}
    return desired(parse(raw), OWNER, {"burger": "enterprise"})


PLACES = (("orders", "pos"), ("orders", "pos-2"), ("orders-2", "pos"))
INTO = Binding("theirs", "mr.orders.pos.standard.stable", "queue", "key")
OUT = Binding("mr.orders.pos.router", "their-queue", "queue", "key")
ASIDE = Binding("theirs", "their-queue", "queue")
NAMESAKE = Binding("theirs", "mr.orders.pos.dead", "exchange")  # a queue has this name, too


def test_each_route_gets_its_own_and_what_others_bound_to_it() -> None:
    wholes = {place: route(place[1], place[0]) for place in PLACES}
    vhost = vhost_topology(
        1.0,
        [*(e for whole in wholes.values() for e in whole.exchanges.values()), Exchange("theirs", "fanout", {})],
        [*(q for whole in wholes.values() for q in whole.queues.values()), Queue("their-queue", {})],
        [*(b for whole in wholes.values() for b in whole.bindings), INTO, OUT, ASIDE, NAMESAKE],
    )
    for place, whole in wholes.items():
        more = {INTO, OUT, NAMESAKE} if place == PLACES[0] else set()
        assert vhost.of(front_door(*place)) == Topology(whole.exchanges, whole.queues, whole.bindings | more)


def test_a_route_that_is_not_there_has_nothing() -> None:
    assert vhost_topology(1.0, (), (), ()).of("mr.orders.pos") == Topology({}, {}, frozenset())
