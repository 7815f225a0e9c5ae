"""The arguments that keep orders safe, and what is said of objects that are somebody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from merchantroute_operator import naming
from merchantroute_operator.topology.desired import desired, own_queue
from merchantroute_operator.topology.objects import OWNER as OWNER_ARGUMENT
from merchantroute_operator.topology.objects import Binding, Delete, Exchange, Queue, Topology
from merchantroute_operator.topology.plans.changes import close_front_door, conflicts, delete_exchanges, tear_down
from tests.unit.operator.order_routing import run
from tests.unit.operator.route_samples import OWNER, a_route

WANTED = desired(a_route(merchants={"m0": "enterprise"}), OWNER, {"m0": "enterprise"})
SAFE = {"x-queue-type": "quorum", "x-overflow": "reject-publish", OWNER_ARGUMENT: OWNER}


@pytest.mark.parametrize(
    ("queue", "arguments"),
    [
        (
            "mr.orders.pos.standard.stable",
            {
                "x-dead-letter-exchange": "mr.orders.pos.dead",
                "x-dead-letter-strategy": "at-least-once",
                "x-delivery-limit": 50,
            },
        ),
        (
            "mr.orders.pos.standard.retry.15000",
            {
                "x-dead-letter-exchange": "mr.orders.pos.router",
                "x-dead-letter-strategy": "at-least-once",
                "x-delivery-limit": 50,
                "x-message-ttl": 15_000,
            },
        ),
        (
            "mr.orders.pos.suspect",
            {
                "x-dead-letter-exchange": "mr.orders.pos.dead",
                "x-dead-letter-strategy": "at-least-once",
                "x-delivery-limit": 50,
            },
        ),
        # Looking at dead letters must not delete them, and they go nowhere from there.
        ("mr.orders.pos.dead", {"x-delivery-limit": -1}),
    ],
)
def test_queues_have_the_arguments_that_lose_nothing(queue: str, arguments: dict[str, str | int]) -> None:
    assert WANTED.queues[queue].arguments == SAFE | arguments


@pytest.mark.parametrize(
    ("exchange", "kind", "alternate"),
    [
        ("mr.orders.pos", "fanout", "mr.orders.pos.router"),
        ("mr.orders.pos.router", "direct", "mr.orders.pos.assigned"),
        ("mr.orders.pos.assigned", "direct", "mr.orders.pos.default"),
        ("mr.orders.pos.default", "fanout", "mr.orders.pos.fallback"),
        ("mr.orders.pos.fallback", "fanout", None),
        ("mr.orders.pos.dead", "fanout", None),
        # what it cannot route comes back to the worker that published it
        ("mr.orders.pos.suspect", "fanout", None),
        ("mr.orders.pos.standard", "fanout", "mr.orders.pos.standard.stable"),
        ("mr.orders.pos.standard.stable", "fanout", None),
        ("mr.orders.pos.standard.retry", "headers", "mr.orders.pos.standard.retry.last"),
        ("mr.orders.pos.standard.retry.last", "fanout", "mr.orders.pos.router"),
    ],
)
def test_exchanges_hand_on_what_they_cannot_route(exchange: str, kind: str, alternate: str | None) -> None:
    arguments = {OWNER_ARGUMENT: OWNER} | ({"alternate-exchange": alternate} if alternate else {})
    assert WANTED.exchanges[exchange] == Exchange(exchange, kind, arguments)


def test_no_order_comes_to_the_suspect_queue_by_itself() -> None:
    into = {binding.source for binding in WANTED.bindings if binding.target == "mr.orders.pos.suspect"}
    assert into == {"mr.orders.pos.suspect"}
    alternates = {exchange.arguments.get("alternate-exchange") for exchange in WANTED.exchanges.values()}
    assert "mr.orders.pos.suspect" not in alternates


def test_a_merchant_is_bound_by_its_id_and_an_unknown_rung_leads_to_the_longest() -> None:
    assert Binding("mr.orders.pos.assigned", "mr.orders.pos.enterprise", "exchange", key="m0") in WANTED.bindings
    last = "mr.orders.pos.standard.retry"
    assert Binding(f"{last}.last", f"{last}.120000", "queue") in WANTED.bindings
    assert Binding(last, f"{last}.1000", "queue", rung="1000") in WANTED.bindings


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Exchange("mr.orders.pos.router", "direct", {OWNER_ARGUMENT: "other/orders/pos"}), "belongs to other/orders/p"),
        (Exchange("mr.orders.pos.router", "direct", {}), "was made by somebody else"),
        (
            Queue("mr.orders.pos.dead", SAFE | {"x-delivery-limit": 20}),
            "queue mr.orders.pos.dead has other arguments (x-delivery-limit is 20, not -1",
        ),
    ],
)
def test_an_object_that_is_not_ours_is_a_conflict_that_says_why(found: Exchange | Queue, said: str) -> None:
    if isinstance(found, Exchange):
        broker = replace(WANTED, exchanges={**WANTED.exchanges, found.name: found})
    else:
        broker = replace(WANTED, queues={**WANTED.queues, found.name: found})
    (sentence,) = conflicts(WANTED, broker, OWNER)
    assert found.name in sentence
    assert said in sentence


def test_of_an_own_queue_with_other_arguments_no_word_of_a_tier_is_said() -> None:
    mine = own_queue(("orders", "pos"), OWNER, "m0")
    found = replace(mine, arguments={**mine.arguments, "x-delivery-limit": 20})
    wanted, observed = (Topology({}, {queue.name: queue}, frozenset()) for queue in (mine, found))
    (sentence,) = conflicts(wanted, observed, OWNER)
    assert "which the broker cannot change: move its orders away and delete it" in sentence


def test_what_is_as_it_should_be_is_no_conflict() -> None:
    assert conflicts(WANTED, WANTED, OWNER) == ()


def test_force_removes_all_the_front_door_first() -> None:
    plan = tear_down(WANTED, owner=OWNER, keep_dead=False)
    assert plan[0] == (Delete("exchange", "mr.orders.pos"),)
    after = run(WANTED, plan)
    assert (after.exchanges, after.queues, after.bindings) == ({}, {}, frozenset())


def test_before_orders_are_counted_every_way_between_queues_goes_and_no_queue() -> None:
    foreign = Exchange("mr.orders.pos.audit", "fanout", {OWNER_ARGUMENT: "other/orders/pos"})
    broker = replace(WANTED, exchanges={**WANTED.exchanges, foreign.name: foreign})
    after = run(broker, delete_exchanges(broker, owner=OWNER))
    assert (set(after.exchanges), after.queues) == ({foreign.name}, WANTED.queues)
    assert delete_exchanges(after, owner=OWNER) == ()


def test_no_two_exchanges_that_are_bound_to_each_other_go_at_once() -> None:
    joined = {frozenset((each.source, each.target)) for each in WANTED.bindings if each.to == "exchange"}
    for batch in tear_down(WANTED, owner=OWNER, keep_dead=False):
        gone = {op.name for op in batch if isinstance(op, Delete) and op.kind == "exchange"}
        assert not [pair for pair in joined if pair <= gone]


def test_a_ring_of_exchanges_that_others_bound_goes_too() -> None:
    back = Binding("mr.orders.pos.standard", "mr.orders.pos.default", "exchange")
    ring = replace(WANTED, bindings=WANTED.bindings | {back})
    assert run(ring, tear_down(ring, owner=OWNER, keep_dead=False)).exchanges == {}


def test_dead_letters_that_are_retained_keep_their_exchange() -> None:
    after = run(WANTED, tear_down(WANTED, owner=OWNER, keep_dead=True))
    assert after.exchanges.keys() == after.queues.keys() == {"mr.orders.pos.dead"}
    assert after.bindings == {Binding("mr.orders.pos.dead", "mr.orders.pos.dead", "queue")}


def test_nothing_of_another_owner_is_ever_removed() -> None:
    foreign = Queue("mr.orders.pos.audit", {OWNER_ARGUMENT: "other/orders/pos"})
    broker = replace(WANTED, queues={**WANTED.queues, foreign.name: foreign})
    assert run(broker, tear_down(broker, owner=OWNER, keep_dead=False)).queues == {foreign.name: foreign}


def test_closing_the_door_closes_only_the_door() -> None:
    assert close_front_door(WANTED, "mr.orders.pos") == ((Delete("exchange", "mr.orders.pos"),),)
    assert close_front_door(run(WANTED, close_front_door(WANTED, "mr.orders.pos")), "mr.orders.pos") == ()


def test_every_tier_has_a_rung_of_a_second_for_orders_without_a_slot() -> None:
    wanted = desired(a_route(delays=("5s", "2m")), OWNER, {})

    assert wanted.queues["mr.orders.pos.standard.retry.1000"].arguments["x-message-ttl"] == 1_000
    assert Binding("mr.orders.pos.standard.retry", "mr.orders.pos.standard.retry.1000", "queue", rung="1000") in (
        wanted.bindings
    )
    assert Binding("mr.orders.pos.standard.retry.last", "mr.orders.pos.standard.retry.120000", "queue") in (
        wanted.bindings
    )


def test_an_own_queue_is_as_safe_as_a_lanes_and_says_whose_it_is() -> None:
    wanted = desired(a_route(), OWNER, {}, own={"mönch/7": False, "m1": True})
    name = naming.own_queue("orders", "pos", "mönch/7")

    assert name == "mr.orders.pos.own.26ab43cf1ddf"
    assert wanted.queues[name].arguments == {
        **wanted.queues["mr.orders.pos.standard.stable"].arguments,
        "x-merchantroute-merchant": "mönch/7",
    }
    assert {b.key for b in wanted.bindings if naming.is_own_queue(b.target)} == {"m1"}
