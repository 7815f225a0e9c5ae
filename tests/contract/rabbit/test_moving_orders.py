"""Orders that are left in a queue are taken elsewhere: each once, whole, and safe there before it leaves."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aio_pika
import amqp
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from merchantroute_kit.servers.rabbitmq import RabbitMQ
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.errors import BrokerError, BrokerUnreachable
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.orders.move import AT_ONCE, move
from merchantroute_operator.rabbit.orders.non_utf8 import NonUtf8Text, writable
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import Bind, Binding, Moved
from tests.contract.rabbit.chains import ROUTE, exchange, lane, queue
from tests.contract.rabbit.users import user
from tests.harness.broker import Broker
from tests.harness.dialing import loopback

OLD, NEW = f"{ROUTE}.old", f"{ROUTE}.new"
LONG = 300.0  # seconds


@pytest.fixture
async def lanes(rabbit: RabbitBroker) -> None:
    (old, bound_old), (new, bound_new) = lane(OLD), lane(NEW)
    await rabbit.run(((*old, *new), (*bound_old, *bound_new)))


async def publish(channel: AbstractChannel, count: int) -> None:
    target = await channel.get_exchange(OLD)
    for number in range(count):
        order = aio_pika.Message(b"{}", correlation_id=f"o-{number}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await target.publish(order, f"merchant/{number} ü")


async def taken(channel: AbstractChannel, name: str) -> list[AbstractIncomingMessage]:
    """All that is ready in a queue, acked."""
    source, found = await channel.get_queue(name), []
    while (message := await source.get(fail=False)) is not None:
        await message.ack()
        found.append(message)
    return found


@pytest.mark.usefixtures("lanes")
async def test_every_order_arrives_once_with_its_merchant(rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    count = 2 * AT_ONCE + 7
    await publish(channel, count)

    assert await rabbit.move(OLD, NEW, LONG) == Moved(count, 0)

    assert await taken(channel, OLD) == []
    arrived = await taken(channel, NEW)
    assert sorted((m.correlation_id, m.routing_key) for m in arrived) == sorted(
        (f"o-{number}", f"merchant/{number} ü") for number in range(count)
    )
    assert {m.delivery_mode for m in arrived} == {aio_pika.DeliveryMode.PERSISTENT}


@pytest.mark.usefixtures("lanes")
async def test_an_order_keeps_all_its_producer_wrote(
    rabbit: RabbitBroker, channel: AbstractChannel, address: BrokerAddress
) -> None:
    headers: Any = {
        "task": "merchantroute.order", "retries": 0, "eta": None, "timelimit": [None, None], "mr-published-at": 1 << 40,
        "nested": {"note": "ありがとう", "ratio": 0.5, "flag": True}, "x-own": "kept",
    }  # fmt: skip
    order = aio_pika.Message(
        "拉麺".encode(), headers=headers, content_type="application/json", content_encoding="utf-8",
        correlation_id="o-1", reply_to="nobody", message_id="m", type="t", app_id="shop", priority=3,
        timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), user_id=address.username,
    )  # fmt: skip
    await (await channel.get_exchange(OLD)).publish(order, "m")

    await rabbit.move(OLD, NEW, LONG)

    (moved,) = await taken(channel, NEW)
    assert moved.headers == headers
    told = ("body", "content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "type", "app_id",
            "priority", "timestamp")  # fmt: skip
    assert {name: getattr(moved, name) for name in told} == {name: getattr(order, name) for name in told}


@pytest.mark.usefixtures("lanes")
async def test_what_a_producer_may_not_write_is_not_moved_behind_the_front_door(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    await rabbit.run(((exchange(ROUTE),), (Bind(Binding(ROUTE, OLD, "exchange")),)))
    headers: Any = {"mr-attempts": 7, "mr-rung": "1", "mr-as-published": False, "mr-published-at": 1 << 40, "own": "x"}
    for door in (ROUTE, OLD):
        await (await channel.get_exchange(door)).publish(aio_pika.Message(b"{}", headers=headers), "m")

    await rabbit.move(OLD, NEW, LONG)

    by_the_door, behind_it = [message.headers for message in await taken(channel, NEW)]
    assert by_the_door == {"mr-published-at": 1 << 40, "own": "x", "mr-as-published": True}
    assert behind_it == headers


@pytest.mark.usefixtures("lanes")
async def test_what_is_no_text_is_moved_as_it_is(vhost: Vhost, rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    raw = b"caf\xe9"
    headers = {raw: 1, "raw": raw, "deep": {raw: [raw]}, "plain": "x"}
    for given in (
        {"correlation_id": raw},
        {"application_headers": headers},
        {"application_headers": {"half": "\ud800"}},
    ):
        publish_by_hand(vhost, OLD, raw, **given)

    assert await rabbit.move(OLD, NEW, LONG) == Moved(3, 0)

    arrived = await taken(channel, NEW)
    assert [(message.routing_key or "").encode() for message in arrived] == [raw] * 3
    first, second, third = arrived
    assert (first.correlation_id or "").encode() == raw
    assert writable(second.headers) == {text(raw): 1, "raw": text(raw), "deep": {text(raw): [text(raw)]}, "plain": "x"}
    assert writable(third.headers) == {"half": text("\ud800".encode("utf-8", "surrogatepass"))}


def text(raw: bytes) -> NonUtf8Text:
    return NonUtf8Text(raw.decode("utf-8", "surrogateescape"))


def publish_by_hand(vhost: Vhost, exchange: str, key: bytes, **properties: Any) -> None:
    """By a library that writes whatever bytes it is given."""
    where = f"{vhost.host}:{vhost.port}"
    with amqp.Connection(where, userid=vhost.username, password=vhost.password, virtual_host=vhost.name) as connection:
        channel = connection.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message(b"{}", **properties), exchange=exchange, routing_key=key)


@pytest.mark.usefixtures("lanes")
async def test_another_users_orders_can_be_moved(
    vhost: Vhost, rabbit: RabbitBroker, channel: AbstractChannel, address: BrokerAddress
) -> None:
    order = aio_pika.Message(b"{}", user_id=address.username)
    await (await channel.get_exchange(OLD)).publish(order, "m")
    with user(vhost, address, tags="management", configure=".*") as other:
        assert await move(other, loopback(), OLD, NEW, LONG) == Moved(1, 0)
    assert len(await taken(channel, NEW)) == 1


async def test_what_the_broker_wrote_about_an_order_is_left_behind(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    (old, bound_old), (new, bound_new) = lane(OLD), lane(NEW)
    rung = queue(f"{ROUTE}.rung", x_message_ttl=1, x_dead_letter_exchange=OLD)
    enter = Binding(f"{ROUTE}.enter", f"{ROUTE}.rung", "queue")
    await rabbit.run(((*old, *new, rung, exchange(f"{ROUTE}.enter")), (*bound_old, *bound_new, Bind(enter))))
    await (await channel.get_exchange(enter.source)).publish(aio_pika.Message(b"{}", headers={"mr-rung": "1"}), "m")
    source = await channel.get_queue(OLD)
    expired = await source.get(timeout=30, fail=False)
    while expired is None:
        expired = await source.get(timeout=30, fail=False)
    assert "x-death" in expired.headers
    await expired.nack(requeue=True)

    assert await rabbit.move(OLD, NEW, LONG) == Moved(1, 0)

    (moved,) = await taken(channel, NEW)
    assert moved.headers == {"mr-rung": "1"}


@pytest.mark.usefixtures("lanes")
async def test_an_empty_queue_and_one_that_is_gone_hold_nothing_to_move(rabbit: RabbitBroker) -> None:
    assert await rabbit.move(OLD, NEW, LONG) == Moved(0, 0)
    assert await rabbit.move("nowhere", NEW, LONG) == Moved(0, 0)


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize(("target", "word"), [("nowhere", "nowhere"), (f"{ROUTE}.blind", "no queue")])
async def test_orders_that_have_nowhere_to_go_stay_where_they_are(
    rabbit: RabbitBroker, channel: AbstractChannel, target: str, word: str
) -> None:
    await rabbit.run(((exchange(f"{ROUTE}.blind"),),))
    await publish(channel, 20)

    with pytest.raises(BrokerError, match=word):
        await rabbit.move(OLD, target, LONG)

    assert {m.correlation_id for m in await taken(channel, OLD)} == {f"o-{number}" for number in range(20)}


async def test_a_broker_that_is_gone_is_unreachable(address: BrokerAddress) -> None:
    nowhere = BrokerAddress("127.0.0.1", 1, "test", address.password, "/", address.management_uri)
    with pytest.raises(BrokerUnreachable):
        await move(nowhere, loopback(), OLD, NEW, LONG)


@pytest.mark.usefixtures("lanes")
async def test_a_slice_ends_in_time_and_the_next_one_goes_on_where_it_ended(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    count = 3 * AT_ONCE
    await publish(channel, count)

    first = await rabbit.move(OLD, NEW, 0.02)
    slices = [first]
    while slices[-1].left:
        slices.append(await rabbit.move(OLD, NEW, 0.02))

    assert first.left > 0
    assert sum(each.orders for each in slices) == count
    assert await taken(channel, OLD) == []
    arrived = [message.correlation_id or "" for message in await taken(channel, NEW)]
    assert sorted(arrived) == sorted(f"o-{number}" for number in range(count))


async def test_a_leader_that_does_not_answer_in_time_is_not_taken_for_an_empty_queue(
    broker: Broker, vhost: Vhost, rabbit: RabbitBroker, channel: AbstractChannel, lanes: None
) -> None:
    assert broker.name, "this test harms the broker that it uses, so MR_TEST_AMQP cannot name one"
    await publish(channel, 3)
    leader = f'list_to_atom("{vhost.name}_{OLD}")'
    pause = f"sys:suspend({leader}), timer:sleep(3000), sys:resume({leader})."
    paused = asyncio.create_task(
        asyncio.to_thread(RabbitMQ(broker.name, vhost.port, 0).run, "rabbitmqctl", "eval", pause)
    )
    while (await channel.declare_queue(OLD, passive=True)).declaration_result.message_count:
        assert not paused.done()

    first = await rabbit.move(OLD, NEW, LONG)

    assert await paused
    assert first in (Moved(0, 1), Moved(3, 0))
    assert first == Moved(3, 0) or await rabbit.move(OLD, NEW, LONG) == Moved(3, 0)
    assert {m.correlation_id for m in await taken(channel, NEW)} == {"o-0", "o-1", "o-2"}
