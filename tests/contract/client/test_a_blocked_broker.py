"""A broker that is out of memory takes no orders: the client waits within its bound, and no longer."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import amqp
import pytest

from merchantroute_kit.servers.rabbitmq import PASSWORD, USER, RabbitMQ, own_broker
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client, NotSafe
from tests.contract.client.broker_with_route import ROUTE

QUEUE = "lane"


@pytest.fixture(scope="module")
def broker_of_our_own() -> Iterator[RabbitMQ]:
    with own_broker() as broker:
        yield broker


@pytest.fixture
def client(broker_of_our_own: RabbitMQ) -> Iterator[Client]:
    with _channel(broker_of_our_own) as channel:
        channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, topology.FRONT)
    with Client(broker=f"{broker_of_our_own.amqp_url}/", route=ROUTE, fail_fast_after=None) as made:
        yield made
    broker_of_our_own.feed()


def test_it_waits_within_its_bound_and_orders_go_on_afterwards(client: Client, broker_of_our_own: RabbitMQ) -> None:
    client.publish({}, merchant="bistro", order_id="before")
    broker_of_our_own.starve()
    until(lambda: blocked(client), "the client to be told that the broker blocks", 60)

    began = time.monotonic()
    with pytest.raises(NotSafe, match=r"blocks publishing.*it has not arrived") as said:
        client.publish({}, merchant="bistro", order_id="given-up", within=1.0)
    assert 0.9 <= time.monotonic() - began < 10
    assert said.value.attempts == 0

    with ThreadPoolExecutor() as threads:
        waits = threads.submit(client.publish, {}, merchant="bistro", order_id="waits", within=60)
        until(lambda: any(sender._schedule.next_due() for sender in client._senders.values()), "the order to wait")
        broker_of_our_own.feed()
        assert waits.result(60).attempts == 1

    ids = arrived(broker_of_our_own)
    assert "given-up" not in ids
    assert {"before", "waits"} <= set(ids)


def test_once_it_has_blocked_for_long_an_order_is_refused_at_once(client: Client, broker_of_our_own: RabbitMQ) -> None:
    broker = broker_of_our_own
    with (
        Client(broker=f"{broker.amqp_url}/", route=ROUTE, fail_fast_after=0.5) as impatient,
        ThreadPoolExecutor(1) as one,
    ):
        impatient.publish({}, merchant="bistro", order_id="at-first")
        broker.starve()
        until(lambda: blocked(impatient), "the client to be told that the broker blocks", 60)
        until(lambda: refuses(impatient), "the trouble to have lasted", 60)

        said = one.submit(impatient.publish, {}, merchant="bistro", order_id="refused", within=3600).exception(60)
        assert isinstance(said, NotSafe)
        assert (said.may_have_arrived, said.attempts) == (False, 0)

        broker.feed()
        until(lambda: not refuses(impatient), "the broker to take orders again", 60)
    assert "refused" not in arrived(broker)


def refuses(client: Client) -> bool:
    """Whether the client refuses to try."""
    try:
        client.publish({}, merchant="bistro", order_id="probe", within=1.0)
    except NotSafe as said:
        return "not tried, since publishing has failed for" in said.problem
    return False


def blocked(client: Client) -> bool:
    """Publish until the broker says that it blocks: it says so only to a connection that publishes."""
    try:
        client.publish({}, merchant="bistro", order_id="probe", within=1.0)
    except NotSafe as said:
        return "blocks publishing" in said.problem
    return False


def arrived(broker: RabbitMQ) -> list[str]:
    with _channel(broker) as channel:
        messages = []
        while message := channel.basic_get(QUEUE, no_ack=True):
            messages.append(message)
    return [message.properties["correlation_id"] for message in messages]


@contextmanager
def _channel(broker: RabbitMQ) -> Iterator[amqp.Channel]:
    where = f"127.0.0.1:{broker.amqp_port}"
    with amqp.Connection(where, USER, PASSWORD, login_method="PLAIN") as connection:
        yield connection.channel()
