"""The client in an event loop: nothing in it blocks, and no thread waits for an order."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until_async
from merchantroute_kit.worker import topology
from merchantroute_worker.client import BadOrder, Client, NotAllSafe, NotSafe
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute
from tests.contract.client.relay import Relay

Start = Callable[..., Relay]


class NobodysExecutor(ThreadPoolExecutor):
    """An executor that must not be asked for anything."""

    def submit(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("the event loop's executor was used")


def ids(place: BrokerWithRoute) -> set[str]:
    return {arrived.properties["correlation_id"] for arrived in place.arrived()}


def clients_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "merchantroute-client"]


async def test_many_publish_at_once_over_one_connection_and_one_thread(place: BrokerWithRoute, relay: Start) -> None:
    asyncio.get_running_loop().set_default_executor(NobodysExecutor())
    between = relay()
    vhost = place.vhost
    by_name = f"amqp://{vhost.username}:{vhost.password}@localhost:{between.port}/{vhost.name}"
    threads: set[int] = set()

    async def request(client: Client, number: int) -> int:
        receipt = await client.apublish({}, merchant="bistro", order_id=str(number))
        threads.add(threading.active_count())
        return receipt.attempts

    before = threading.active_count()
    async with Client(broker=by_name, route=ROUTE, within=60) as client:
        attempts = await asyncio.gather(*(request(client, number) for number in range(300)))

    assert set(attempts) == {1}
    assert between.accepted == 1
    # The relay has a thread for its connection, the client has one.
    assert max(threads) <= before + 2
    assert ids(place) == {str(number) for number in range(300)}


async def test_threads_and_the_event_loop_share_a_client(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    async with place.client(between.port, within=60) as client:
        with ThreadPoolExecutor() as threads:
            by_thread = threads.submit(client.publish, {}, merchant="bistro", order_id="thread")
            await client.apublish({}, merchant="bistro", order_id="loop")
            assert by_thread.result(60).order_id == "thread"
    assert between.accepted == 1
    assert ids(place) == {"thread", "loop"}


async def test_a_silent_broker_holds_up_its_own_request_only(bare: BrokerWithRoute, relay: Start) -> None:
    turns = 0
    async with bare.client(relay(silent=True).port) as client:
        waiting = asyncio.create_task(client.apublish({}, merchant="bistro", order_id="x", within=1.0))
        while not waiting.done():
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(NotSafe, match="it has not arrived"):
            await waiting
    assert turns > 10


async def test_its_errors_are_those_of_publish(bare: BrokerWithRoute) -> None:
    async with bare.client() as client:
        with pytest.raises(NotSafe, match="404"):
            await client.apublish({}, merchant="bistro", order_id="x", within=1.0)
        with bare.channel() as channel:
            channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
        with pytest.raises(NotSafe, match="unroutable"):
            await client.apublish({}, merchant="bistro", order_id="x", within=3.0)
        with pytest.raises(BadOrder, match="merchant must be"):
            await client.apublish({})
        with pytest.raises(ValueError, match="within must be seconds"):
            await client.apublish({}, merchant="bistro", within=0)


async def test_a_batch(place: BrokerWithRoute) -> None:
    orders: list[dict[str, Any]] = [{"id": str(number), "merchant": "bistro"} for number in range(1000)]
    async with place.client(within=60) as client:
        receipts = await client.apublish_many(orders)
        assert [receipt.order_id for receipt in receipts] == [order["id"] for order in orders]
        assert await client.apublish_many([]) == []
        with pytest.raises(NotAllSafe) as said:
            await client.apublish_many([{"id": "good", "merchant": "bistro"}, {"id": "nobody's"}])
    assert list(said.value.problems) == [1]
    assert ids(place) == {"good", *(order["id"] for order in orders)}


async def test_a_request_that_is_cancelled_takes_its_order_back(place: BrokerWithRoute, relay: Start) -> None:
    port = free_port()
    async with place.client(port, within=3600) as client:
        waiting = asyncio.create_task(client.apublish({}, merchant="bistro", order_id="cancelled"))
        await until_async(lambda: any(sender._schedule.next_due() for sender in client._senders.values()), "it to wait")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        relay(port)

        await client.apublish({}, merchant="bistro", order_id="next")
    assert ids(place) == {"next"}


def test_a_loop_that_ended_meanwhile_harms_nobody(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()

    async def leave(client: Client) -> None:
        """End the loop while the broker's answer is still to come."""
        waiting = asyncio.create_task(client.apublish({}, merchant="bistro", order_id="left"))
        await until_async(
            lambda: any(sender._connection and sender._connection.unconfirmed for sender in client._senders.values()),
            "it to be published",
        )
        waiting.cancel()

    with place.client(between.port, within=60) as client:
        client.publish({}, merchant="bistro", order_id="first")
        between.swallow_answers()
        asyncio.run(leave(client))
        between.pass_answers()
        between.cut()

        receipt = asyncio.run(client.apublish({}, merchant="bistro", order_id="second"))
    assert receipt.order_id == "second"
    assert {"first", "second"} <= ids(place)


async def test_closing_waits_for_the_thread_without_blocking_the_loop(place: BrokerWithRoute) -> None:
    before = set(clients_threads())
    client = place.client(within=60)
    await client.apublish({}, merchant="bistro", order_id="x")
    (thread,) = set(clients_threads()) - before

    await client.aclose()
    await until_async(lambda: not thread.is_alive(), "the thread to have ended")
    await client.aclose()
    assert (await client.apublish({}, merchant="bistro", order_id="y")).order_id == "y"
    await client.aclose()
