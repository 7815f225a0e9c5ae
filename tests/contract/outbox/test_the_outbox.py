"""An order is published if and only if its transaction was committed, and leaves the table when it is confirmed."""

import random
import signal
import socket
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from tests.contract.client.broker_with_route import ROUTE, Arrived, BrokerWithRoute
from tests.harness.outbox_shop import Shop

SEED = 20261128
ROUNDS = 3


def ids(arrived: list[Arrived]) -> list[str]:
    return [each.properties["correlation_id"] for each in arrived]


def test_what_was_committed_is_published_as_the_client_would_and_then_gone(shop: Shop, place: BrokerWithRoute) -> None:
    wanted = shop.enqueue("a-", 120)
    shop.enqueue_in_vain("undone-", 3)
    (first, *_) = shop.rows()
    assert place.arrived() == []

    with shop.relay(Path("/dev/null")):
        until(lambda: not shop.rows(), "the relay to empty the table")

    arrived = place.arrived()
    assert ids(arrived) == wanted  # in the order of their coming
    with place.client() as client:
        client.publish(arrived[0].order, merchant="bistro", headers={"X-Request-ID": "a-"})
    (as_the_client,) = place.arrived()
    stamps = [each.headers.pop("mr-published-at") for each in (arrived[0], as_the_client)]
    assert arrived[0] == as_the_client
    assert stamps[0] == first["published_at"]


def test_a_broker_that_is_away_leaves_the_rows_as_they_are(shop: Shop, place: BrokerWithRoute, tmp_path: Path) -> None:
    shop.enqueue("a-", 2)
    before = shop.rows()
    log = tmp_path / "log"
    with replace(shop, broker=place.url(free_port()), within=1.0).relay(log):
        until(lambda: "2 of 2 orders stay in the outbox" in log.read_text(), "the relay to have tried")

    assert shop.rows() == before
    shop.relay_once()
    assert shop.rows() == []
    assert ids(place.arrived()) == ["a-0", "a-1"]


def test_an_order_that_no_queue_takes_says_so_and_holds_up_no_other(shop: Shop, place: BrokerWithRoute) -> None:
    with place.channel() as channel:
        channel.exchange_declare("mr.orders.picky", "direct", durable=True, auto_delete=False)
        channel.exchange_bind(destination=topology.FRONT, source="mr.orders.picky", routing_key="bistro")
    picky = replace(shop, route="orders/picky", within=1.0)
    replace(picky, merchant="nobody").enqueue("lost-", 1)
    picky.enqueue("a-", 2)

    told = picky.relay_once()

    (row,) = shop.rows()
    assert (row["order_id"], row["attempts"]) == ("lost-0", 1)
    assert "unroutable" in row["problem"]
    assert row["due_at"] > row["published_at"]
    assert "of 3 orders stay in the outbox" in told
    assert "soup" not in told  # an order's contents
    assert ids(place.arrived()) == ["a-0", "a-1"]


def test_applications_add_orders_while_a_relay_publishes(shop: Shop, place: BrokerWithRoute) -> None:
    shop.enqueue("a-", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        away = replace(shop, broker=place.url(silent.getsockname()[1]), within=600.0)
        with away.relay(Path("/dev/null")) as relay:
            connection, _ = silent.accept()  # the relay has its rows, and waits for a broker that says nothing
            with connection:
                shop.enqueue("b-", 1)
            assert [row["order_id"] for row in shop.rows()] == ["a-0", "a-1", "b-0"]
            relay.kill()


# One relay's deaths are among those of several.
@pytest.mark.parametrize("relays", [3, pytest.param(1, marks=pytest.mark.extended)])
def test_relays_that_are_killed_at_any_moment_lose_nothing_and_repeat_only_whole_publications(
    shop: Shop, place: BrokerWithRoute, tmp_path: Path, relays: int
) -> None:
    if "sqlite" in shop.database and relays > 1:
        relays = 2  # the second one is against the advice: it repeats orders, and loses none either
    dice = random.Random(SEED)
    wanted: list[str] = []
    for round_ in range(ROUNDS):
        wanted += shop.enqueue(f"{round_}-", 150)
        with ExitStack() as running:
            killed = [running.enter_context(shop.relay(tmp_path / "log")) for _ in range(relays)]
            left = dice.randrange(len(shop.rows()))
            shop.until_at_most(left)
            for each in killed:
                each.send_signal(signal.SIGKILL)
                each.wait(60)
    with shop.relay(tmp_path / "log"):
        until(lambda: not shop.rows(), "the last relay to empty the table")

    arrived = place.arrived()
    assert set(ids(arrived)) == set(wanted)
    copies = Counter(ids(arrived))
    for order_id, count in copies.items():
        if count > 1:
            same = [each for each in arrived if each.properties["correlation_id"] == order_id]
            assert same.count(same[0]) == count
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_relays_beside_each_other_share_the_work(shop: Shop, place: BrokerWithRoute, tmp_path: Path) -> None:
    wanted = shop.enqueue("a-", 600)
    if "sqlite" in shop.database:
        with shop.relay(tmp_path / "log"):
            until(lambda: not shop.rows(), "the relay to empty the table")
    else:
        with shop.relay(tmp_path / "log"), shop.relay(tmp_path / "log"), shop.relay(tmp_path / "log"):
            until(lambda: not shop.rows(), "the relays to empty the table")

    assert Counter(ids(place.arrived())) == Counter(wanted)


def test_a_relay_ends_at_sigterm_after_the_round_that_is_under_way(
    shop: Shop, place: BrokerWithRoute, tmp_path: Path
) -> None:
    wanted = shop.enqueue("a-", 300)
    with shop.relay(tmp_path / "log") as relay:
        until(lambda: len(shop.rows()) < 300, "the relay to have begun")
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(60) == 0

    left = [row["order_id"] for row in shop.rows()]
    assert Counter([*ids(place.arrived()), *left]) == Counter(wanted)
    assert shop.route == ROUTE
