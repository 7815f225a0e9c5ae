"""Changes of a route on three nodes, of which one stands still again and again: each order arrives once.

Orders are published at each node, so that some take the way that the lagging one still has.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.rabbitmq_cluster import Node, RabbitMQCluster, own_cluster
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from tests.contract.topology.publishing import change_to, publish_until, take_all
from tests.contract.topology.stores import IN_EACH_STORE
from tests.unit.operator.rerouting import DOOR, a_random_route

CHANGES = 20
STILL, AWAKE = 1.5, 0.5  # seconds; the other nodes do not take it for gone
SUSPECT = f"{DOOR}.suspect"


@pytest.fixture(scope="module")
def clusters() -> Iterator[dict[str, RabbitMQCluster]]:
    """Three nodes with each metadata store, started when a test asks for them."""
    with ExitStack() as stack:
        yield Started(stack)


class Started(dict[str, RabbitMQCluster]):
    """By the store's name."""

    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, store: str) -> RabbitMQCluster:
        self[store] = self._stack.enter_context(own_cluster(khepri=store == "khepri"))
        return self[store]


@pytest.fixture
def three_nodes(clusters: dict[str, RabbitMQCluster], store: str) -> RabbitMQCluster:
    return clusters[store]


@pytest.fixture
def vhost(three_nodes: RabbitMQCluster) -> Iterator[Vhost]:
    """A virtual host, as it is reached at the first node."""
    first = three_nodes.nodes[0]
    with fresh_vhost(first.amqp_url, first.mgmt_url, "test") as made:
        yield made


@pytest.fixture
async def channels(three_nodes: RabbitMQCluster, vhost: Vhost) -> AsyncIterator[list[AbstractChannel]]:
    """A channel at each node."""
    async with AsyncExitStack() as stack:
        connections = [await aio_pika.connect(f"{node.amqp_url}/{vhost.name}") for node in three_nodes.nodes]
        for connection in connections:
            await stack.enter_async_context(connection)
        yield [await connection.channel(on_return_raises=True) for connection in connections]


async def lag(node: Node, stop: asyncio.Event) -> int:
    """Let the node stand still, again and again; gives how often it did."""
    times = 0
    while not stop.is_set():
        await asyncio.to_thread(node.freeze)
        try:
            await asyncio.sleep(STILL)
        finally:
            await asyncio.to_thread(node.thaw)
        await asyncio.sleep(AWAKE)
        times += 1
    return times


@pytest.mark.extended
@IN_EACH_STORE
async def test_twenty_changes_lose_and_copy_no_order_while_a_node_lags(
    three_nodes: RabbitMQCluster, rabbit: RabbitBroker, channels: list[AbstractChannel]
) -> None:
    dice = random.Random(23)
    observed = await change_to(rabbit, a_random_route(dice))
    stop, settled = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        publishers = [
            group.create_task(publish_until(stop, channel, f"node-{number}")) for number, channel in enumerate(channels)
        ]
        suspecting = group.create_task(publish_until(stop, channels[-1], "worker", SUSPECT))
        lagging = group.create_task(lag(three_nodes.nodes[-1], settled))
        for _ in range(CHANGES):
            observed = await change_to(rabbit, a_random_route(dice))
        stop.set()
        await asyncio.gather(*publishers, suspecting)
        settled.set()
    assert lagging.result() > 1
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    found = await take_all(channels[0], [name for name in observed.queues if name.endswith((".stable", ".canary"))])
    assert publishers[-1].result()  # by the lagging node
    assert found.keys() == sent
    assert set(found.values()) == {1}
    suspects = await take_all(channels[0], [SUSPECT])
    assert suspects.keys() == suspecting.result()
    assert set(suspects.values()) == {1}
