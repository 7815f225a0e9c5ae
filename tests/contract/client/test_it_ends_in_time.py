"""A publish never takes longer than its bound, and what it says then is the truth."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client, NotAllSafe, NotSafe
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute
from tests.contract.client.relay import Relay

Start = Callable[..., Relay]
WITHIN = 1.0


def refused(client: Client, order_id: str = "x") -> NotSafe:
    """Publish, and give the error, which must come in time: ten times the bound at most, on a busy machine."""
    began = time.monotonic()
    with pytest.raises(NotSafe) as said:
        client.publish({}, merchant="bistro", order_id=order_id, within=WITHIN)
    assert WITHIN * 0.9 <= time.monotonic() - began < WITHIN * 10
    assert said.value.order_id == order_id
    assert f"publish it again with order_id={order_id!r}" in str(said.value)
    return said.value


def publishing(client: Client) -> bool:
    """Whether an order waits for its confirm now."""
    connections = [sender._connection for sender in list(client._senders.values())]
    return any(connection and len(connection.unconfirmed) for connection in connections)


def test_nobody_listens(bare: BrokerWithRoute) -> None:
    with bare.client(free_port()) as client:
        said = refused(client)

    assert "refused" in said.problem
    assert (said.may_have_arrived, said.attempts) == (False, 0)


def test_a_broker_that_takes_the_connection_and_never_answers(bare: BrokerWithRoute, relay: Start) -> None:
    silent = relay(silent=True)
    with bare.client(silent.port) as client:
        said = refused(client)

    assert silent.accepted
    assert (said.may_have_arrived, said.attempts) == (False, 0)


def test_a_broker_that_never_ends_the_tls_handshake(relay: Start) -> None:
    with Client(broker=f"amqps://shop:secret@127.0.0.1:{relay(silent=True).port}", route=ROUTE) as client:
        said = refused(client)

    assert not said.may_have_arrived


def test_something_that_is_no_broker(bare: BrokerWithRoute) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web, bare.client(web.getsockname()[1]) as client:
        web.settimeout(0)
        said = refused(client)

    assert not said.may_have_arrived


def test_no_such_name(bare: BrokerWithRoute) -> None:
    with Client(broker="amqp://shop:secret@no-such-host.invalid/", route=ROUTE) as client:
        said = refused(client)

    assert "secret" not in str(said)
    assert not said.may_have_arrived


def test_the_route_is_not_there(bare: BrokerWithRoute) -> None:
    with bare.client() as client:
        said = refused(client)

    assert "404" in said.problem
    assert topology.FRONT in said.problem
    assert not said.may_have_arrived
    assert said.attempts > 1


def test_a_whole_batch_learns_for_certain_that_the_route_is_not_there(bare: BrokerWithRoute) -> None:
    with bare.client() as client, pytest.raises(NotAllSafe) as said:
        client.publish_many([{"id": str(number), "merchant": "bistro"} for number in range(50)], within=WITHIN)

    problems = said.value.problems
    assert len(problems) == 50
    assert [problem for problem in problems.values() if isinstance(problem, NotSafe) and problem.may_have_arrived] == []


def test_nothing_is_behind_the_door(bare: BrokerWithRoute) -> None:
    with bare.channel() as channel:
        channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
    with bare.client() as client:
        said = refused(client)

    assert "unroutable" in said.problem
    assert not said.may_have_arrived


def test_a_confirm_that_does_not_come_leaves_it_open_whether_the_order_arrived(
    place: BrokerWithRoute, relay: Start
) -> None:
    between = relay()
    with place.client(between.port) as client:
        client.publish({}, merchant="bistro", order_id="before")
        between.swallow_answers()
        said = refused(client)

    assert said.may_have_arrived
    assert "it may have arrived" in str(said)
    assert [arrived.properties["correlation_id"] for arrived in place.arrived()] == ["before", "x"]


def test_a_connection_lost_before_the_confirm_leaves_it_open_too(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    with ThreadPoolExecutor() as threads, place.client(between.port) as client:
        client.publish({}, merchant="bistro", order_id="before")
        between.swallow_answers()
        said = threads.submit(refused, client)
        until(lambda: publishing(client), "an order without a confirm")
        between.close()

        assert "refused" in said.result(60).problem
        assert said.result().may_have_arrived


def test_an_order_given_up_is_not_sent_later(bare: BrokerWithRoute, relay: Start) -> None:
    bare.open_the_route()
    port = free_port()
    with bare.client(port) as client:
        refused(client, "given-up")
        relay(port)
        client.publish({}, merchant="bistro", order_id="wanted", within=60)

    assert [arrived.properties["correlation_id"] for arrived in bare.arrived()] == ["wanted"]


def test_an_order_that_the_broker_finds_too_large_is_refused_at_once(place: BrokerWithRoute) -> None:
    with place.client() as client:
        with pytest.raises(NotSafe, match=r"406.*larger than configured max size") as said:
            client.publish({"note": "x" * (17 * 1024 * 1024)}, merchant="bistro", order_id="x", within=120)
        assert (said.value.may_have_arrived, said.value.attempts) == (False, 1)

        client.publish({}, merchant="bistro", order_id="small", within=60)


def test_a_closed_client_gives_up_what_is_under_way(bare: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    bare.open_the_route()
    with ThreadPoolExecutor() as threads, bare.client(between.port) as client:
        client.publish({}, merchant="bistro", order_id="before")
        between.swallow_answers()
        published = threads.submit(client.publish, {}, merchant="bistro", order_id="x", within=120)
        until(lambda: publishing(client), "an order without a confirm")
        client.close()

        with pytest.raises(NotSafe, match=r"the client was closed.*it may have arrived"):
            published.result(60)


def test_a_machine_that_starts_no_more_threads(bare: BrokerWithRoute) -> None:
    bare.open_the_route()
    usual = threading.stack_size(2**62)  # more than there is
    with bare.client() as client:
        try:
            with pytest.raises(NotSafe, match=r"no thread could be started.*it has not arrived"):
                client.publish({}, merchant="bistro", order_id="x", within=60)
        finally:
            threading.stack_size(usual)

        assert client.publish({}, merchant="bistro", order_id="x", within=60).attempts == 1
