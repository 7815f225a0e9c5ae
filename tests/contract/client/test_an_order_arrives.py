"""What arrives in the lane's queue, and what the caller is told."""

import json
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import merchantroute_worker.client as published_by
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import mounted_files
from merchantroute_worker.client import NotAllSafe, Order, Receipt
from merchantroute_worker.orders import envelope
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "schema" / "envelope.json").read_text())
ORDER = {"id": "run-1", "items": [{"name": "Ramen 拉麺", "quantity": 2}], "note": "half a pair: \ud83c"}


def test_it_is_the_message_that_the_contract_describes(place: BrokerWithRoute) -> None:
    before = int(time.time() * 1000)

    with place.client() as client:
        receipt = client.publish(ORDER, merchant="burger-hut")

    (arrived,) = place.arrived()
    assert arrived.routing_key == "burger-hut"
    assert arrived.order == ORDER
    assert arrived.properties == {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "correlation_id": "run-1",
        "delivery_mode": 2,
    }
    assert (arrived.headers["task"], arrived.headers["id"]) == ("merchantroute.order", "run-1")
    jsonschema.validate({"headers": arrived.headers}, SCHEMA)
    assert before <= arrived.headers["mr-published-at"] <= int(time.time() * 1000)
    stamp = arrived.headers["mr-published-at"]
    assert receipt == Receipt(order_id="run-1", merchant="burger-hut", published_at=stamp, attempts=1)


def test_the_worker_reads_it_as_the_order_that_was_given(place: BrokerWithRoute) -> None:
    with place.client() as client:
        client.publish({"total": 1}, merchant="bistro", order_id="x")

    with place.channel() as channel:
        message = channel.basic_get("mr.orders.pos.standard.stable", no_ack=True)
    order = envelope.read(
        body=message.body.encode(), headers=message.headers, correlation_id=message.properties["correlation_id"],
        routing_key=message.delivery_info["routing_key"],
    )  # fmt: skip
    assert (order.id, order.merchant, json.loads(order.payload), order.journal) == (
        "x", "bistro", {"total": 1}, envelope.Journal(),
    )  # fmt: skip
    assert order.published_at is not None


def test_an_order_without_an_id_gets_one_that_the_receipt_tells(place: BrokerWithRoute) -> None:
    with place.client() as client:
        receipt = client.publish({"merchant": "bistro"})

    assert str(uuid.UUID(receipt.order_id)) == receipt.order_id
    (arrived,) = place.arrived()
    assert (arrived.properties["correlation_id"], arrived.routing_key) == (receipt.order_id, "bistro")


def test_times_and_headers_of_the_application_travel_with_it(place: BrokerWithRoute) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    later = soon + timedelta(hours=1)

    with place.client() as client:
        client.publish({}, merchant="bistro", order_id="x", eta=soon, expires=later, headers={"shop": "zürich"})

    (arrived,) = place.arrived()
    assert arrived.headers["shop"] == "zürich"
    assert (arrived.headers["eta"], arrived.headers["expires"]) == (soon.isoformat(), later.isoformat())


def test_a_batch_arrives_whole_and_its_receipts_are_in_its_order(place: BrokerWithRoute) -> None:
    orders = [{"id": f"run-{number}", "merchant": "bistro", "number": number} for number in range(2000)]

    with place.client() as client:
        receipts = client.publish_many(orders, within=120)

    assert [receipt.order_id for receipt in receipts] == [order["id"] for order in orders]
    assert [arrived.order for arrived in place.arrived()] == orders


def test_a_bad_order_in_a_batch_is_told_apart_and_holds_up_nobody(place: BrokerWithRoute) -> None:
    batch: list[Order | dict[str, Any]] = [
        Order({"n": 1}, merchant="a", order_id="1"),
        {"n": 2},
        Order({"n": 3}, merchant="a", order_id="3"),
    ]

    with (
        place.client() as client,
        pytest.raises(NotAllSafe, match=r"1 of 3 orders.*number 1: merchant must be") as said,
    ):
        client.publish_many(batch)

    assert list(said.value.problems) == [1]
    assert sorted(arrived.order["n"] for arrived in place.arrived()) == [1, 3]


def test_threads_share_one_client_and_one_connection(place: BrokerWithRoute, relay: Any) -> None:
    to_the_broker = relay()
    receipts: list[Receipt] = []

    with place.client(to_the_broker.port, within=60) as client:

        def shop(number: int) -> None:
            receipts.extend(client.publish({}, merchant="bistro", order_id=f"{number}-{order}") for order in range(25))

        threads = [threading.Thread(target=shop, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    ids = {f"{number}-{order}" for number in range(8) for order in range(25)}
    assert {receipt.order_id for receipt in receipts} == ids
    assert Counter(arrived.properties["correlation_id"] for arrived in place.arrived()) == Counter(ids)
    assert to_the_broker.accepted == 1


def test_a_closed_client_opens_again(place: BrokerWithRoute) -> None:
    client = place.client()
    client.publish({}, merchant="bistro", order_id="1")
    client.close()

    client.publish({}, merchant="bistro", order_id="2")

    client.close()
    assert len(place.arrived()) == 2


def test_the_process_has_a_client_of_its_own_that_the_environment_configures(
    place: BrokerWithRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MR_BROKER", place.url())
    monkeypatch.setenv("MR_NAMESPACE", ROUTE.split("/")[0])
    monkeypatch.setenv("MR_ROUTE", ROUTE.split("/")[1])
    monkeypatch.setattr("merchantroute_worker.client.process_client._SHARED", {})

    published_by.publish({"id": "1", "merchant": "bistro"})
    published_by.publish_many([{"id": "2", "merchant": "bistro"}])

    assert [arrived.order["id"] for arrived in place.arrived()] == ["1", "2"]


def test_the_broker_may_be_named_by_the_files_of_its_secret(
    place: BrokerWithRoute, tmp_path: Path, vhost: Vhost
) -> None:
    mounted_files.write_broker(tmp_path, vhost)

    with published_by.Client(broker=tmp_path / "broker", route=ROUTE) as client:
        client.publish({}, merchant="bistro", order_id="1")

    assert len(place.arrived()) == 1
