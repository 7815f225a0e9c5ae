"""The port's users of lanes, on a real broker: made, read back as they are, and gone; what a lane's user may not do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.exceptions import ChannelAccessRefused

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerRefusedCredentials, UsersNotAllowed
from merchantroute_operator.lane_users.broker_user import BrokerUser, DropUser, Permissions, Permit, PutUser
from merchantroute_operator.lane_users.lane_rights import LaneName, permissions
from merchantroute_operator.lane_users.password import hashed, matches, new_password
from merchantroute_operator.lane_users.user_plan import WantedUser, drop, ensure, tag
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.plans.changes import open_front_door, skeleton, wiring
from tests.contract.rabbit.chains import address_of
from tests.contract.rabbit.users import user
from tests.harness.dialing import loopback
from tests.unit.operator.route_samples import CLUSTER, a_route

MARK = tag(CLUSTER)
DOOR = "mr.orders.pos"
RIGHTS = Permissions("^$", r"^mr\.orders\.pos\.dead$", r"^mr\.orders\.pos\.standard\.stable$")
ROUTE = a_route()


@pytest.fixture
async def made(rabbit: RabbitBroker, address: BrokerAddress) -> AsyncIterator[WantedUser]:
    """A user of the test's own, which nobody has made yet; gone after the test."""
    name = naming.lane_user(CLUSTER, address.vhost, "orders", "pos", "standard", "stable")
    yield WantedUser(name, RIGHTS, new_password())
    await rabbit.run_user_ops([DropUser(name)])


async def connect(address: BrokerAddress) -> AbstractConnection:
    return await aio_pika.connect(
        host=address.host,
        port=address.port,
        login=address.username,
        password=address.password,
        virtualhost=address.vhost,
    )


async def test_a_user_is_read_back_as_it_was_made_and_nothing_is_left_to_do(
    rabbit: RabbitBroker, made: WantedUser
) -> None:
    assert made.name not in await rabbit.users()

    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    found = await rabbit.users()

    assert found[made.name] == BrokerUser(made.name, frozenset({MARK}), found[made.name].password_hash, RIGHTS)
    assert matches(made.password, found[made.name].password_hash)
    assert ensure([made], found, MARK) == ()


async def test_the_password_of_which_only_the_hash_was_sent_lets_in(
    rabbit: RabbitBroker, address: BrokerAddress, made: WantedUser
) -> None:
    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    theirs = replace(address, username=made.name, password=made.password)

    async with await connect(theirs) as opened:
        assert not opened.is_closed
    with pytest.raises(AMQPError):
        await connect(replace(theirs, password=new_password()))


async def test_an_open_connection_outlives_another_password_and_a_new_one_does_not(
    rabbit: RabbitBroker, address: BrokerAddress, made: WantedUser
) -> None:
    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    async with await connect(replace(address, username=made.name, password=made.password)) as opened:
        await rabbit.run_user_ops([PutUser(made.name, MARK, hashed(new_password()))])

        assert (await rabbit.users())[made.name].permissions == RIGHTS, "another password leaves the rights"
        async with opened.channel() as channel:
            assert not channel.is_closed
        with pytest.raises(AMQPError):
            await connect(replace(address, username=made.name, password=made.password))


@pytest.mark.parametrize(
    "change",
    [
        {"password_hash": hashed("another"), "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": MARK},
        {"password_hash": "", "tags": MARK},
        {"password": "hunter2hunter2", "tags": [MARK, "administrator"]},
    ],
    ids=["another password", "no password", "another tag"],
)
async def test_what_others_change_of_a_user_is_seen_and_put_back(
    rabbit: RabbitBroker, made: WantedUser, vhost: Vhost, change: dict[str, Any]
) -> None:
    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    vhost.api("PUT", f"users/{made.name}", change)

    ops = ensure([made], await rabbit.users(), MARK)

    assert [type(op) for op in ops] == [PutUser]
    await rabbit.run_user_ops(ops)
    assert ensure([made], await rabbit.users(), MARK) == ()


async def test_what_others_change_of_rights_is_seen_and_put_back(
    rabbit: RabbitBroker, made: WantedUser, vhost: Vhost
) -> None:
    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    for change in ("PUT", "DELETE"):
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        vhost.api(change, f"permissions/{vhost.name}/{made.name}", everything if change == "PUT" else None)
        ops = ensure([made], await rabbit.users(), MARK)
        assert ops == (Permit(made.name, RIGHTS),)
        await rabbit.run_user_ops(ops)


async def test_a_user_that_is_gone_is_removed_once_more_without_an_error(
    rabbit: RabbitBroker, made: WantedUser
) -> None:
    await rabbit.run_user_ops(ensure([made], await rabbit.users(), MARK))
    ops = drop([made.name], await rabbit.users(), MARK)

    await rabbit.run_user_ops(ops)
    await rabbit.run_user_ops(ops)

    assert made.name not in await rabbit.users()


@pytest.mark.parametrize("tags", ["management", "management,policymaker", "monitoring"])
async def test_who_is_no_administrator_is_told_so_and_nothing_else(vhost: Vhost, made: WantedUser, tags: str) -> None:
    with user(vhost, address_of(vhost), tags=tags, configure=".*") as theirs:
        broker = RabbitBroker(theirs, loopback())
        try:
            await broker.check()
            with pytest.raises(UsersNotAllowed) as refused:
                await broker.users()
            with pytest.raises(BrokerRefusedCredentials):
                await broker.run_user_ops(ensure([made], {}, MARK))
        finally:
            await broker.close()

    assert theirs.password not in str(refused.value)


@pytest.fixture
async def whole(rabbit: RabbitBroker) -> None:
    """The route's topology, and the exchange of pulses."""
    wanted = desired(ROUTE, f"{CLUSTER}/orders/pos", {}, {})
    for part in (skeleton, wiring, open_front_door):
        await rabbit.run(part(wanted, await rabbit.observe(DOOR)))


@pytest.fixture
async def theirs(
    rabbit: RabbitBroker, whole: None, channel: AbstractChannel, made: WantedUser, address: BrokerAddress
) -> AsyncIterator[AbstractConnection]:
    """A connection as the user of the lane ``standard``."""
    del whole
    await channel.declare_exchange(naming.pulses_exchange(CLUSTER), aio_pika.ExchangeType.FANOUT)
    lane = next(each for each in lanes(ROUTE) if each.tier.name == "standard")
    wanted = replace(made, permissions=permissions(ROUTE, LaneName(lane.tier.name, lane.name), CLUSTER))
    await rabbit.run_user_ops(ensure([wanted], await rabbit.users(), MARK))
    async with await connect(replace(address, username=made.name, password=made.password)) as opened:
        yield opened


async def is_refused(opened: AbstractConnection, do: Any) -> bool:
    """Whether the broker closes the channel for want of a right; whatever else goes wrong fails the test."""
    async with asyncio.timeout(30):
        channel = await opened.channel()
        try:
            await do(channel)
        except (ChannelAccessRefused, ChannelInvalidStateError):
            return True
        await channel.close()
        return False


def consume(queue: str) -> Any:
    async def do(channel: AbstractChannel) -> None:
        found = await channel.get_queue(queue)  # passive, as a worker looks for it
        await found.cancel(await found.consume(_leave, no_ack=False))

    return do


async def _leave(_message: AbstractIncomingMessage) -> None:
    """No queue of the test holds a message."""


def publish(exchange: str, key: str = "hut") -> Any:
    async def do(channel: AbstractChannel) -> None:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(b"{}"), key, mandatory=False)

    return do


async def test_a_lanes_user_reads_its_own_queue_and_no_other(rabbit: RabbitBroker, theirs: AbstractConnection) -> None:
    queues = (await rabbit.observe(DOOR)).queues

    refused = {name for name in queues if await is_refused(theirs, consume(name))}

    assert queues.keys() - refused == {f"{DOOR}.standard.stable"}


async def test_a_lanes_user_writes_to_its_workers_exchanges_and_no_others(
    rabbit: RabbitBroker, theirs: AbstractConnection
) -> None:
    exchanges = {*(await rabbit.observe(DOOR)).exchanges, naming.pulses_exchange(CLUSTER), "amq.direct", "amq.topic"}

    refused = {name for name in exchanges if await is_refused(theirs, publish(name))}

    may = {f"{DOOR}.{name}" for name in ("dead", "suspect", "router", "standard.retry")}
    assert exchanges - refused == {*may, naming.pulses_exchange(CLUSTER)}
    assert await is_refused(theirs, publish("", f"{DOOR}.enterprise.stable")), "the exchange of all queues"


async def test_a_lanes_user_declares_and_removes_nothing(theirs: AbstractConnection) -> None:
    own, dead = f"{DOOR}.standard.stable", f"{DOOR}.dead"
    attempts = {
        "declare a queue": lambda channel: channel.declare_queue("mine", durable=True),
        "declare a queue of the route": lambda channel: channel.declare_queue(f"{DOOR}.mine", durable=True),
        "declare an exchange": lambda channel: channel.declare_exchange(f"{DOOR}.mine", "fanout"),
        "delete its own queue": lambda channel: channel.queue_delete(own),
        "delete the exchange of dead letters": lambda channel: channel.exchange_delete(dead),
        "bind its queue elsewhere": lambda channel: _bind(channel, own, "amq.fanout"),
        "bind another's orders": lambda channel: _bind(channel, dead, f"{DOOR}.enterprise.stable"),
        "take its queue off its exchange": lambda channel: _unbind(channel, own, own),
        "empty another's queue": lambda channel: _purge(channel, f"{DOOR}.enterprise.stable"),
    }

    assert [what for what, do in attempts.items() if not await is_refused(theirs, do)] == []


async def _bind(channel: AbstractChannel, queue: str, exchange: str) -> None:
    underlay = await channel.get_underlay_channel()
    await underlay.queue_bind(queue, exchange)


async def _unbind(channel: AbstractChannel, queue: str, exchange: str) -> None:
    underlay = await channel.get_underlay_channel()
    await underlay.queue_unbind(queue, exchange)


async def _purge(channel: AbstractChannel, queue: str) -> None:
    underlay = await channel.get_underlay_channel()
    await underlay.queue_purge(queue)
