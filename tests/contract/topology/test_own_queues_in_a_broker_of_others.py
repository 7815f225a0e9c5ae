"""Own queues on a real broker where others stand in the way, and where pods say what is not so."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator import naming
from merchantroute_operator.isolation.model import MerchantFigures
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.pulses.pulse_format import LARGEST_COUNT
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.topology.objects import OWNER as OWNER_ARGUMENT
from tests.contract.rabbit.chains import address_of
from tests.contract.rabbit.users import user
from tests.contract.topology.test_an_own_queues_life import LANE, MERCHANT, QUEUE, Life, publish
from tests.contract.topology.test_what_others_break import DOOR, KEY
from tests.harness.dialing import loopback
from tests.unit.operator.pod_samples import a_pod

CLASSIC, QUORUM = {"x-queue-type": "classic"}, {"x-queue-type": "quorum"}


@pytest.fixture
async def life(rabbit: RabbitBroker) -> Life:
    made = Life(rabbit, spec={"isolation": {"pinned": [MERCHANT]}})
    await made.begin()
    return made


def condition(life: Life, kind: str) -> dict[str, Any]:
    """A condition as the status has it."""
    return next(each for each in life.kube.status["conditions"] if each["type"] == kind)


async def isolates_nobody(life: Life, channel: AbstractChannel, *words: str) -> None:
    """The merchant stays in its tier's queue, the condition says why, and the route is as it should be."""
    for _ in range(3):
        await life.turn()
    isolating = condition(life, "Isolating")
    assert isolating["reason"] == "OwnQueuesRefused"
    assert [word for word in words if word not in isolating["message"]] == []
    assert condition(life, "QueuesReady")["status"] == "True"
    await publish(channel, b"order")
    lane = await channel.get_queue(LANE)
    message = await lane.get()
    assert message is not None
    assert message.body == b"order"
    await message.ack()


async def isolates(life: Life) -> None:
    """It has its queue."""
    for _ in range(3):
        await life.turn()
    assert QUEUE in {binding.target for binding in (await life.rabbit.observe(DOOR)).bindings}
    assert condition(life, "Isolating")["reason"] == "MerchantsIsolated"


@pytest.mark.parametrize(
    ("arguments", "durable", "words"),
    [
        (CLASSIC, True, "made by somebody else"),
        (QUORUM, True, "made by somebody else"),
        ({**QUORUM, OWNER_ARGUMENT: "another-cluster/orders/pos"}, True, "belongs to another-cluster/orders/pos"),
        (CLASSIC, False, "made by somebody else"),
    ],
    ids=["classic", "quorum", "another operator's", "transient"],
)
async def test_a_queue_of_its_name_that_somebody_else_has_stays_as_it_is(
    life: Life, channel: AbstractChannel, arguments: dict[str, Any], durable: bool, words: str
) -> None:
    theirs = await channel.declare_queue(QUEUE, durable=durable, auto_delete=not durable, arguments=arguments)
    await channel.default_exchange.publish(aio_pika.Message(b"theirs"), QUEUE)

    await isolates_nobody(life, channel, MERCHANT, words)

    message = await theirs.get()
    assert message is not None
    assert message.body == b"theirs"
    await message.ack()
    await theirs.delete(if_unused=False, if_empty=False)
    await isolates(life)


async def test_a_queue_of_its_name_that_only_another_connection_may_use_harms_nobody(
    life: Life, vhost: Vhost, channel: AbstractChannel
) -> None:
    connection = await aio_pika.connect(vhost.amqp_url)
    async with connection, connection.channel() as theirs:
        await theirs.declare_queue(QUEUE, exclusive=True)
        await isolates_nobody(life, channel, MERCHANT)
    await isolates(life)


@pytest.fixture
async def confined(vhost: Vhost) -> AsyncIterator[RabbitBroker]:
    """The broker for a user that may make everything of a route but own queues."""
    everything_else = r"^mr\.orders\.(?!pos\.own\.).*"
    with user(vhost, address_of(vhost), tags="management", configure=everything_else) as theirs:
        broker = RabbitBroker(theirs, loopback())
        yield broker
        await broker.close()


async def test_a_user_that_may_not_make_own_queues_carries_the_route(
    confined: RabbitBroker, channel: AbstractChannel
) -> None:
    life = Life(confined, spec={"isolation": {"pinned": [MERCHANT]}})
    await life.begin()
    await isolates_nobody(life, channel, MERCHANT, "refused")


HOSTILE = (
    "\x01" * 255,
    "é" * 127,
    "'; DROP TABLE orders; --",
    "../../etc/passwd",
    '{"a": 1}',
    "\n\r\t",
    "#",
    "*",
    "a.#",
)


async def test_pods_that_name_ever_other_merchants_have_no_more_queues_than_there_may_be(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    """At each tick two hundred others are slow, and refused without end, in a pod of more slots than there can be."""
    most = 12
    anybody = {"defaultEndpoint": "https://pos.example/{merchant}", "isolation": {"maxOwnQueues": most}}
    life = Life(rabbit, clock=itertools.count(100.0, 0.01), spec=anybody)  # type: ignore[arg-type]
    await life.begin()
    life.kube.objects["Pod", "pod-2"] = a_pod("pod-2", tier="standard")
    for number in range(6):
        listed = [*HOSTILE, *(f"{number}-{each}" for each in range(190))]
        await hears(
            life,
            [MerchantFigures(each, LARGEST_COUNT, slow=True, refused=number * 2**40, failed=number) for each in listed],
        )

    observed = await life.rabbit.observe(DOOR)
    names = {name for name in observed.queues if naming.is_own_queue(name)}
    assert 0 < len(names) <= most
    assert len(life.kube.status["ownQueues"]) <= most
    assert condition(life, "QueuesReady")["status"] == "True"
    await publish(channel, b"order")


async def hears(life: Life, figures: list[MerchantFigures]) -> None:
    """The pod of the default tier says so; the scaler ticks; a pass is made."""
    ctx, generation = life.reconciler._ctx, life.generation()
    merchants = {each.merchant: each for each in figures}
    nonsense = Pulse(
        "pod-2", *KEY, "standard", "stable", 0, ctx.monotonic(), generation, LARGEST_COUNT, 0.0, 0, 0, 0,
        slots=LARGEST_COUNT, active=LARGEST_COUNT, fair_share=LARGEST_COUNT, merchants=merchants,
    )  # fmt: skip
    ctx.pulses.put(nonsense)
    await life.scaler.tick()
    await life.look()


async def test_a_pod_older_than_own_queues_holds_one_back_for_a_minute_and_the_newer_one_works_it_then(
    life: Life, channel: AbstractChannel
) -> None:
    life.kube.objects["Pod", "pod-2"] = a_pod("pod-2", tier="enterprise")
    told = 0
    while QUEUE not in {binding.target for binding in (await life.rabbit.observe(DOOR)).bindings}:
        at = life.reconciler._ctx.monotonic()
        older = Pulse("pod-2", *KEY, "enterprise", "stable", 0, at, life.generation(), 0, 0.0, 0, 0, 0)
        life.reconciler._ctx.pulses.put(older)
        await life.turn()
        told += 1
    assert told > 3, "the older one was waited for"
    (tier,) = json.loads(life.files()["own.json"])["tiers"].values()
    assert tier["pods"] == ["pod-1"]
    await publish(channel, b"order")
    queue = await channel.get_queue(QUEUE)
    message = await queue.get()
    assert message is not None
    assert message.body == b"order"
    await message.ack()
