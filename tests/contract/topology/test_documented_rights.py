"""The rights at the broker that docs/operations.md gives are enough for operator and pods, and reach no other team."""

import asyncio
import json
import re
from pathlib import Path

import aio_pika
import pytest

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.errors import BrokerRefusedCredentials
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.pulses.listener import PulseListener
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.topology.objects import Moved
from tests.contract.rabbit.chains import address_of, exchange
from tests.contract.rabbit.test_pulses import EXCHANGE, HEARD, PULSE
from tests.contract.rabbit.users import user
from tests.contract.topology.test_what_others_break import DOOR, Place
from tests.harness.dialing import loopback

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def documented(name: str) -> tuple[str, str, str]:
    """What a user of this name may configure, write and read."""
    variables = dict(re.findall(r"^(\w+)='([^']*)'", PAGE, re.MULTILINE))
    line = re.search(rf"set_permissions -p / {name} (.*?)(?: +#.*)?$", PAGE, re.MULTILINE)
    assert line is not None
    given = re.findall(r"'([^']*)'|\"\$(\w+)\"", line[1])
    configure, write, read = (text or variables.get(variable, "") for text, variable in given)
    return configure, write, read


async def test_a_namespaces_user_is_enough_for_the_operator_and_reaches_no_other(vhost: Vhost) -> None:
    configure, write, read = documented("orders-operator")
    heard: asyncio.Queue[Pulse] = asyncio.Queue()
    with user(vhost, address_of(vhost), tags="management", configure=configure, write=write, read=read) as theirs:
        broker = RabbitBroker(theirs, loopback())
        listening = asyncio.create_task(
            PulseListener(lambda: theirs, loopback(), EXCHANGE, heard.put_nowait, clock=lambda: 99.0).run()
        )
        try:
            await broker.check()
            place = Place(broker)
            for _ in range(4):
                await place.look()
            assert DOOR in (await broker.observe(DOOR)).exchanges
            assert await broker.samples()
            assert await broker.move(f"{DOOR}.suspect", f"{DOOR}.router", 60.0) == Moved(0, 0)
            assert await broker.live([f"{DOOR}.suspect"])
            assert await broker.ticks([f"{DOOR}.suspect"])
            async with asyncio.timeout(60):
                while heard.empty():
                    await send_pulse(vhost)
            assert heard.get_nowait() == HEARD
            for foreign in ("mr.shop.pos", "mr.orders-eu.pos", "xmr.orders.pos", "mr.orders"):
                with pytest.raises(BrokerRefusedCredentials):
                    await broker.run(((exchange(foreign),),))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await broker.close()


async def send_pulse(vhost: Vhost) -> None:
    """As a pod does."""
    opened = await aio_pika.connect(vhost.amqp_url)
    async with opened, opened.channel() as channel:
        pulses = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.FANOUT, durable=True)
        await pulses.publish(aio_pika.Message(json.dumps(PULSE).encode()), "", mandatory=False)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "may", "may_not"),
    [
        (
            "pos-workers",
            (DOOR, f"{DOOR}.router", f"{DOOR}.standard.retry", EXCHANGE),
            ("mr.orders.pos2.router", "mr.shop.pos.router", "amq.direct"),
        ),
        ("shop", (DOOR,), (f"{DOOR}.router", "mr.orders.pos2", EXCHANGE)),
    ],
)
async def test_pods_and_producers_write_where_they_must_and_nowhere_else(
    vhost: Vhost, name: str, may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    configure, write, read = documented(name)
    admin = await aio_pika.connect(vhost.amqp_url)
    async with admin, admin.channel() as channel:
        for each in {*may, *may_not} - {"amq.direct"}:
            await channel.declare_exchange(each, aio_pika.ExchangeType.FANOUT)
    with user(vhost, address_of(vhost), tags="", configure=configure, write=write, read=read) as theirs:
        opened = await aio_pika.connect(
            host=theirs.host,
            port=theirs.port,
            login=theirs.username,
            password=theirs.password,
            virtualhost=theirs.vhost,
        )
        async with opened:
            assert [each for each in may if not await writes(opened, each)] == []
            assert [each for each in may_not if await writes(opened, each)] == []


async def writes(opened: aio_pika.abc.AbstractConnection, to: str) -> bool:
    """Whether a message to the exchange is taken, on a channel of its own: a refusal closes it."""
    channel = await opened.channel()
    try:
        target = await channel.get_exchange(to, ensure=False)
        await target.publish(aio_pika.Message(b"{}"), "m", mandatory=False)
    except (aio_pika.exceptions.AMQPError, aio_pika.exceptions.ChannelInvalidStateError):
        return False
    await channel.close()
    return True
