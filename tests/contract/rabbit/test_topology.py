"""Exchanges, queues and bindings: what is declared comes back equal, and everything can be asked for twice."""

import string

import pytest

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.errors import BrokerError, BrokerRefusedCredentials, TopologyConflict
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology import arguments
from merchantroute_operator.topology.objects import OWNER, Bind, Binding, Declare, Delete, Exchange, Plan, Queue, Unbind
from tests.contract.rabbit.chains import ME, ROUTE, exchange, lane, queue, until
from tests.contract.rabbit.users import user
from tests.harness.dialing import loopback

ALL_ASCII = "".join(sorted(string.printable.strip()))
ODD_IDS = (
    "burger-hut", "a/b", "100%", "%2F", "a b", " ", "#", "*", "a.*.#", "~", "a~b", "a+b", "?q=1&r=2", "ü", "拉麺",
    "🍜", "\\", '"', "é\u0301", ALL_ASCII, "x" * 255,
)  # fmt: skip


async def test_arguments_come_back_equal(rabbit: RabbitBroker) -> None:
    exchanges = [
        Exchange(f"{ROUTE}.a", "fanout", arguments.exchange(ME)),
        Exchange(f"{ROUTE}.b", "direct", arguments.exchange(ME, f"{ROUTE}.a")),
        Exchange(f"{ROUTE}.c", "headers", arguments.exchange(ME, f"{ROUTE}.b")),
        Exchange(f"{ROUTE}.d", "x-consistent-hash", {**arguments.exchange(ME), "hash-property": "correlation_id"}),
    ]
    queues = [
        Queue(f"{ROUTE}.lane", arguments.lane(ME, f"{ROUTE}.dead")),
        Queue(f"{ROUTE}.rung", arguments.rung(ME, f"{ROUTE}.router", 15000)),
        Queue(f"{ROUTE}.dead", arguments.dead_letters(ME)),
    ]
    await rabbit.run(((*map(Declare, exchanges), *map(Declare, queues)),))

    observed = await rabbit.observe(ROUTE)

    assert observed.exchanges == {e.name: e for e in exchanges}
    assert observed.queues == {q.name: q for q in queues}


async def test_merchant_ids_of_any_letters_can_be_bound_seen_and_unbound(rabbit: RabbitBroker) -> None:
    bindings = {Binding(f"{ROUTE}.assigned", f"{ROUTE}.tier", "exchange", key) for key in ODD_IDS}
    await rabbit.run(((exchange(f"{ROUTE}.assigned", "direct"), exchange(f"{ROUTE}.tier")), tuple(map(Bind, bindings))))
    assert (await rabbit.observe(ROUTE)).bindings == bindings

    await rabbit.run((tuple(map(Unbind, bindings)),))

    assert (await rabbit.observe(ROUTE)).bindings == frozenset()


async def test_after_a_plan_that_binds_and_unbinds_a_part_is_read_and_equals_the_whole(rabbit: RabbitBroker) -> None:
    tiers = [Binding(f"{ROUTE}.assigned", f"{ROUTE}.{tier}", "exchange", "burger") for tier in ("one", "two")]
    rung = Binding(f"{ROUTE}.retry", f"{ROUTE}.one", "exchange", "", "1000")
    made = (*map(exchange, (tiers[0].target, tiers[1].target)), exchange(rung.source, "headers"))
    await rabbit.run(((exchange(f"{ROUTE}.assigned", "direct"), *made), (Bind(tiers[0]), Bind(rung))))
    before = await rabbit.observe(ROUTE)

    moves: Plan = ((Bind(tiers[1]),), (Unbind(tiers[0]),))
    await rabbit.run(moves)

    after = await rabbit.observe_after(moves, ROUTE, before)
    assert after == await rabbit.observe(ROUTE)
    assert after.bindings == {tiers[1], rung}


async def test_a_binding_with_an_empty_key_is_no_other_binding(rabbit: RabbitBroker) -> None:
    objects, bound = lane(f"{ROUTE}.tier")
    other = Binding(f"{ROUTE}.tier", f"{ROUTE}.tier", "queue", "~")
    await rabbit.run((objects, (*bound, Bind(other))))

    await rabbit.run(((Unbind(bound[0].binding),),))

    assert (await rabbit.observe(ROUTE)).bindings == {other}


async def test_rungs_are_bound_by_header_and_taken_down_one_by_one(rabbit: RabbitBroker) -> None:
    retry = f"{ROUTE}.tier.retry"
    rungs = [Binding(retry, f"{retry}.{ms}", "queue", "", str(ms)) for ms in (1000, 15000, 120000)]
    objects = (exchange(retry, "headers"), *(queue(rung.target) for rung in rungs))
    await rabbit.run((objects, tuple(map(Bind, rungs))))
    assert (await rabbit.observe(ROUTE)).bindings == set(rungs)

    await rabbit.run(((Unbind(rungs[1]),),))

    assert (await rabbit.observe(ROUTE)).bindings == {rungs[0], rungs[2]}


async def test_everything_can_be_done_twice(rabbit: RabbitBroker) -> None:
    objects, bound = lane(f"{ROUTE}.tier")
    rung = Binding(f"{ROUTE}.retry", f"{ROUTE}.tier", "queue", "", "1000")
    up: Plan = ((*objects, exchange(f"{ROUTE}.retry", "headers")), (*bound, Bind(rung)))
    down: Plan = (
        (Unbind(bound[0].binding), Unbind(rung)),
        (*(Delete("exchange", name) for name in (f"{ROUTE}.tier", f"{ROUTE}.retry")), Delete("queue", f"{ROUTE}.tier")),
    )
    for plan in (up, up):
        await rabbit.run(plan)
        assert len((await rabbit.observe(ROUTE)).bindings) == 2
    for plan in (down, down):
        await rabbit.run(plan)
        observed = await rabbit.observe(ROUTE)
        assert (observed.exchanges, observed.queues, observed.bindings) == ({}, {}, frozenset())


async def test_only_the_routes_own_names_are_observed_and_all_that_is_bound_to_them(rabbit: RabbitBroker) -> None:
    names = (ROUTE, f"{ROUTE}.tier", f"{ROUTE}2", f"{ROUTE}-b.tier", "shop", "mr.orders")
    tap = Binding(ROUTE, "shop", "exchange")
    feed = Binding("shop", f"{ROUTE}.tier", "queue", "order")
    apart = Binding("shop", f"{ROUTE}2", "exchange")
    await rabbit.run(
        ((*(exchange(name) for name in names), queue(f"{ROUTE}.tier")), (Bind(tap), Bind(feed), Bind(apart)))
    )

    observed = await rabbit.observe(ROUTE)

    assert observed.exchanges.keys() == {ROUTE, f"{ROUTE}.tier"}
    assert observed.queues.keys() == {f"{ROUTE}.tier"}
    assert observed.bindings == {tap, feed}


async def test_somebody_elses_binding_is_never_taken_for_ours_and_can_be_removed(
    rabbit: RabbitBroker, vhost: Vhost
) -> None:
    retry = f"{ROUTE}.retry"
    ours = Binding(retry, f"{ROUTE}.q", "queue", "", "1000")
    await rabbit.run(((exchange(retry, "headers"), queue(f"{ROUTE}.q")), (Bind(ours),)))
    theirs = {"routing_key": "", "arguments": {"x-match": "any", "mr-rung": "1000", "n": 1}}
    vhost.api("POST", f"bindings/{vhost.name}/e/{retry}/q/{ROUTE}.q", theirs)
    (foreign,) = (await rabbit.observe(ROUTE)).bindings - {ours}

    await rabbit.run(((Unbind(foreign),),))
    assert (await rabbit.observe(ROUTE)).bindings == {ours}

    await rabbit.run(((Bind(foreign),),))
    assert (await rabbit.observe(ROUTE)).bindings == {ours, foreign}


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (exchange(f"{ROUTE}.x"), exchange(f"{ROUTE}.x", "direct"), "type"),
        (exchange(f"{ROUTE}.x", alternate="a"), exchange(f"{ROUTE}.x", alternate="b"), "alternate-exchange"),
        (queue(f"{ROUTE}.q", x_message_ttl=1), queue(f"{ROUTE}.q", x_message_ttl=2), "x-message-ttl"),
        (queue(f"{ROUTE}.q"), queue(f"{ROUTE}.q", x_queue_type="classic"), "x-queue-type"),
    ],
)
async def test_an_object_of_another_shape_is_a_conflict_that_names_it(
    rabbit: RabbitBroker, first: Declare, second: Declare, word: str
) -> None:
    await rabbit.run(((first,),))

    with pytest.raises(TopologyConflict) as caught:
        await rabbit.run(((second,),))

    assert first.object.name in str(caught.value)
    assert word in str(caught.value)


async def test_another_owner_shows_only_by_looking(rabbit: RabbitBroker) -> None:
    """The broker takes a declaration with another owner mark without a word, and keeps the first one's."""
    await rabbit.run(((exchange(ROUTE, owner="cluster-2/orders/pos"),),))

    await rabbit.run(((exchange(ROUTE, owner=ME),),))

    assert (await rabbit.observe(ROUTE)).exchanges[ROUTE].arguments[OWNER] == "cluster-2/orders/pos"


async def test_batches_run_in_order_and_stop_at_the_first_failure(rabbit: RabbitBroker) -> None:
    objects, bound = lane(f"{ROUTE}.tier")
    plan = (objects, bound, (Bind(Binding(f"{ROUTE}.tier", "nowhere", "exchange")),), (exchange(ROUTE),))

    with pytest.raises(BrokerError, match="nowhere"):
        await rabbit.run(plan)

    observed = await rabbit.observe(ROUTE)
    assert observed.bindings == {bound[0].binding}
    assert ROUTE not in observed.exchanges


async def test_a_user_who_may_not_configure_is_told_so(
    rabbit: RabbitBroker, vhost: Vhost, address: BrokerAddress
) -> None:
    with user(vhost, address, tags="management", configure="^$") as reader:
        theirs = RabbitBroker(reader, loopback())
        try:
            with pytest.raises(BrokerRefusedCredentials, match=ROUTE):
                await theirs.run(((exchange(ROUTE),),))
        finally:
            await theirs.close()
    assert (await rabbit.observe(ROUTE)).exchanges == {}


@pytest.mark.extended  # end to end in test_many_merchants
async def test_two_thousand_merchants_are_bound_seen_and_unbound(rabbit: RabbitBroker) -> None:
    bindings = {Binding(f"{ROUTE}.assigned", f"{ROUTE}.tier", "exchange", f"merchant-{n}") for n in range(2000)}
    await rabbit.run(((exchange(f"{ROUTE}.assigned", "direct"), exchange(f"{ROUTE}.tier")), tuple(map(Bind, bindings))))
    assert (await rabbit.observe(ROUTE)).bindings == bindings

    await rabbit.run((tuple(map(Unbind, bindings)),))

    assert (await rabbit.observe(ROUTE)).bindings == frozenset()


async def test_a_queue_with_orders_in_it_is_deleted_when_asked_for(rabbit: RabbitBroker, vhost: Vhost) -> None:
    objects, bound = lane(f"{ROUTE}.tier")
    await rabbit.run((objects, bound))
    order = {"properties": {}, "routing_key": "m", "payload": "x", "payload_encoding": "string"}
    vhost.api("POST", f"exchanges/{vhost.name}/{ROUTE}.tier/publish", order)

    await rabbit.run(((Delete("queue", f"{ROUTE}.tier"),),))

    await until(lambda: rabbit.observe(ROUTE), lambda seen: not seen.queues, within=10)
