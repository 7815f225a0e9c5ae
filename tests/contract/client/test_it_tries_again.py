"""What passes within the bound is the client's business, not the application's."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client, Receipt
from tests.contract.client.broker_with_route import ROUTE, Arrived, BrokerWithRoute
from tests.contract.client.relay import Relay

Start = Callable[..., Relay]
Begin = Callable[[Client], "Future[Receipt]"]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Publish an order in a thread of its own, with a minute's patience."""
    with ThreadPoolExecutor() as threads:
        yield lambda client: threads.submit(
            client.publish, {"total": 7}, merchant="bistro", order_id="x", headers={"shop": "7"}, within=60
        )


def trouble(client: Client) -> str:
    """What the client would say now."""
    return " ".join(
        str(said)
        for sender in list(client._senders.values())
        for said in (sender._trouble, *(pending.problem for pending in sender._schedule.all()))
    )


def most_in_flight(client: Client) -> int:
    """Orders that wait for their confirms now."""
    connections = [sender._connection for sender in list(client._senders.values())]
    return max((len(connection.unconfirmed) for connection in connections if connection), default=0)


def ids(place: BrokerWithRoute) -> list[str]:
    return [arrived.properties["correlation_id"] for arrived in place.arrived()]


def test_a_broker_that_is_not_there_yet(place: BrokerWithRoute, relay: Start, begin: Begin) -> None:
    port = free_port()
    with place.client(port) as client:
        published = begin(client)
        until(lambda: "refused" in trouble(client), "the client to meet nobody")
        relay(port)

        assert published.result(60).order_id == "x"
    assert ids(place) == ["x"]


def test_a_connection_that_was_cut_while_nobody_published(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    with place.client(between.port) as client:
        client.publish({}, merchant="bistro", order_id="1")
        between.cut()

        assert client.publish({}, merchant="bistro", order_id="2", within=60).order_id == "2"
    assert set(ids(place)) == {"1", "2"}


def test_a_confirm_that_is_lost_with_its_connection(place: BrokerWithRoute, relay: Start, begin: Begin) -> None:
    between = relay()
    with place.client(between.port) as client:
        client.publish({}, merchant="bistro", order_id="before")
        between.swallow_answers()
        published = begin(client)
        seen: list[Arrived] = []

        def both_are_in_the_queue() -> bool:
            seen.extend(place.arrived())
            return len(seen) == 2

        until(both_are_in_the_queue, "the order to be in the queue")
        between.pass_answers()
        between.cut()

        receipt = published.result(60)
        seen.extend(place.arrived())

    assert receipt.attempts > 1
    copies = [arrived for arrived in seen if arrived.properties["correlation_id"] == "x"]
    assert len(copies) == receipt.attempts
    assert {copy.headers["mr-published-at"] for copy in copies} == {receipt.published_at}
    assert {copy.headers["shop"] for copy in copies} == {"7"}


def test_a_connection_that_says_nothing_any_more(place: BrokerWithRoute, relay: Start, begin: Begin) -> None:
    between = relay()
    with place.client(between.port, confirm_timeout=0.5) as client:
        client.publish({}, merchant="bistro", order_id="before")
        between.swallow_answers()
        published = begin(client)
        until(lambda: between.accepted > 1, "the client to give the connection up")
        between.pass_answers()

        assert published.result(60).attempts > 1
    assert set(ids(place)) == {"before", "x"}


def test_a_route_that_is_not_there_yet(bare: BrokerWithRoute, begin: Begin) -> None:
    with bare.client() as client:
        published = begin(client)
        until(lambda: "404" in trouble(client), "the client to be told that there is no such exchange")
        bare.open_the_route()

        assert published.result(60).attempts > 1
    assert ids(bare) == ["x"]


def test_a_door_with_nothing_behind_it_yet(bare: BrokerWithRoute, begin: Begin) -> None:
    with bare.channel() as channel:
        channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
    with bare.client() as client:
        published = begin(client)
        until(lambda: "unroutable" in trouble(client), "the order to come back")
        bare.open_the_route()

        assert published.result(60).attempts > 1
    assert ids(bare) == ["x"]


def test_a_full_queue_holds_up_its_own_orders_only(bare: BrokerWithRoute, begin: Begin) -> None:
    with bare.channel() as channel:
        channel.exchange_declare(topology.FRONT, "direct", durable=True, auto_delete=False)
        for name, most in (("full", 1), ("roomy", 1000)):
            limits = {"x-queue-type": "classic", "x-max-length": most, "x-overflow": "reject-publish"}
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=limits)
        channel.queue_bind("full", topology.FRONT, "bistro")
        channel.queue_bind("roomy", topology.FRONT, "roomy")
    with bare.client() as client:
        client.publish({}, merchant="bistro", order_id="first")
        published = begin(client)
        until(lambda: "nack" in trouble(client), "the order to be refused")

        receipts = client.publish_many([{"merchant": "roomy", "id": str(number)} for number in range(100)], within=60)
        assert {receipt.attempts for receipt in receipts} == {1}
        # The other one may take the place as soon as the first is taken out.
        arrived = bare.arrived("full")
        assert arrived[0].properties["correlation_id"] == "first"

        assert published.result(60).attempts > 1
    arrived += bare.arrived("full")
    assert [each.properties["correlation_id"] for each in arrived] == ["first", "x"]


def test_a_password_that_was_rotated_is_read_again(place: BrokerWithRoute, begin: Begin, tmp_path: Any) -> None:
    for name, text in {"host": place.vhost.host, "port": place.vhost.port, "username": place.vhost.username}.items():
        (tmp_path / name).write_text(str(text))
    (tmp_path / "vhost").write_text(place.vhost.name)
    (tmp_path / "password").write_text("the old one")
    with Client(broker=tmp_path, route=ROUTE) as client:
        published = begin(client)
        until(lambda: "403" in trouble(client), "the old password to be refused")
        (tmp_path / "password").write_text(place.vhost.password)

        assert published.result(60).order_id == "x"


def test_every_order_arrives_though_the_connection_is_cut_again_and_again(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    orders = [{"id": str(number), "merchant": "bistro"} for number in range(1500)]
    over = threading.Event()

    def cutting() -> None:
        """Ten times: once a connection has begun to carry many orders at once."""
        for cuts in range(10):
            while between.accepted <= cuts or most_in_flight(client) < 2:
                if over.wait(0.001):
                    return
            between.cut()

    with place.client(between.port) as client:
        cutter = threading.Thread(target=cutting)
        cutter.start()
        try:
            receipts = client.publish_many(orders, within=240)
        finally:
            over.set()
            cutter.join()

    assert len(receipts) == len(orders)
    assert between.accepted > 1
    assert set(ids(place)) == {order["id"] for order in orders}
