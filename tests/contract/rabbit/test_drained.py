"""A queue is deleted after its own reports and its leader's word; each counts what the other cannot."""

import asyncio
from collections.abc import Mapping

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology import arguments
from merchantroute_operator.topology.drained import FRESH, QUIET, EmptyWatch
from merchantroute_operator.topology.objects import Declare, LiveCount, Queue, QueueTick
from tests.contract.rabbit.chains import ME, ROUTE, queue, until

LANE = f"{ROUTE}.tier.stable"
RUNG = f"{ROUTE}.tier.retry.200"
EMPTY = LiveCount(ready=0, consumers=0)


@pytest.fixture(autouse=True)
async def queues(rabbit: RabbitBroker) -> None:
    """A lane, and a rung whose target is not there."""
    await rabbit.run(((queue(LANE), Declare(Queue(RUNG, arguments.rung(ME, f"{ROUTE}.router", 200)))),))


async def send(channel: AbstractChannel, name: str) -> None:
    await channel.default_exchange.publish(aio_pika.Message(b"order"), name)


async def until_reported(rabbit: RabbitBroker, name: str, messages: int) -> None:
    await until(lambda: rabbit.ticks((name,)), lambda found: found[name].messages == messages)


class Passes:
    """What a pass does again and again; its clock runs ahead, so that only reports are waited for."""

    def __init__(self, rabbit: RabbitBroker) -> None:
        self._rabbit, self._watch, self._now = rabbit, EmptyWatch(), 0.0
        self.readings: list[Mapping[str, QueueTick]] = []

    async def drained(self, *names: str) -> frozenset[str]:
        self._now += QUIET
        self.readings.append(await self._rabbit.ticks(names))
        self._watch, found = self._watch.observe(self._now, self.readings[-1], names)
        return found


async def test_an_idle_queue_reports_again_and_again_and_is_drained_then(rabbit: RabbitBroker) -> None:
    passes = Passes(rabbit)

    await until(lambda: passes.drained(LANE), lambda found: found == {LANE})

    reports = {reading[LANE].reductions for reading in passes.readings if LANE in reading} - {None}
    assert len(reports) > FRESH
    assert (await rabbit.live((LANE,)))[LANE] == EMPTY


async def test_what_a_rung_holds_since_its_target_is_not_there_only_reports_count(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    await send(channel, RUNG)
    await until_reported(rabbit, RUNG, 1)
    # Once it has expired it is neither ready nor at a consumer.
    await until(lambda: rabbit.live((RUNG,)), lambda found: found[RUNG] == EMPTY)

    passes = Passes(rabbit)
    reports: set[int | None] = set()
    while len(reports) < 6:
        assert await passes.drained(RUNG) == frozenset()
        reports.add(passes.readings[-1][RUNG].reductions)
        await asyncio.sleep(0.1)
    assert passes.readings[-1][RUNG].messages == 1


async def test_an_order_that_is_ready_is_counted_at_once_and_stays(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    await send(channel, LANE)

    assert (await rabbit.live((LANE, RUNG))) == {LANE: LiveCount(ready=1, consumers=0), RUNG: EMPTY}

    order = await (await channel.get_queue(LANE)).get()
    assert (order.body, order.redelivered) == (b"order", False)
    await order.ack()


async def test_who_holds_an_order_is_counted_whether_he_consumes_has_cancelled_or_got_it(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    source = await channel.get_queue(LANE)
    held: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()

    await send(channel, LANE)
    got = await source.get()
    assert (await rabbit.live((LANE,)))[LANE] == LiveCount(ready=0, consumers=1)
    await got.ack()

    tag = await source.consume(held.put)
    assert (await rabbit.live((LANE,)))[LANE] == LiveCount(ready=0, consumers=1)
    await send(channel, LANE)
    order = await held.get()
    await source.cancel(tag)
    assert (await rabbit.live((LANE,)))[LANE] == LiveCount(ready=0, consumers=1)
    await order.ack()
    await until(lambda: rabbit.live((LANE,)), lambda found: found[LANE] == EMPTY)


async def test_an_order_that_comes_in_the_midst_of_counting_is_seen_or_comes_later_and_is_kept(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    for _ in range(20):
        counted, _ = await asyncio.gather(rabbit.live((LANE,)), send(channel, LANE))
        assert counted[LANE].ready in (0, 1)
        source = await channel.get_queue(LANE)
        order = await until(lambda source=source: source.get(fail=False), lambda found: found is not None)  # type: ignore[misc]
        assert order is not None
        await order.ack()


async def test_queues_that_are_gone_are_left_out(rabbit: RabbitBroker, address: BrokerAddress) -> None:
    del address
    assert await rabbit.live((f"{ROUTE}.gone", LANE)) == {LANE: EMPTY}
    assert (await rabbit.ticks((f"{ROUTE}.gone", LANE))).keys() == {LANE}
    assert await rabbit.live(()) == {}
