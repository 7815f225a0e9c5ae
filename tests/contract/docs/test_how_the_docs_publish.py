"""The ways to publish that docs/producing.md shows, word for word, against a real broker."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import ChannelError, NotFound

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_worker.client import Client, NotSafe
from tests.contract.docs.examples import (
    ASYNCIO,
    BARE,
    CELERY,
    CLIENT,
    DELAY,
    DOOR,
    OUTBOX,
    PAGE,
    Publish,
    blocks,
    curl,
    python,
)

QUEUE = "behind-the-door"
ORDER = {"items": [{"name": "Ramen 拉麺", "quantity": 2}]}


@pytest.fixture(params=[CLIENT, ASYNCIO, CELERY, BARE])
def section(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def publish(section: str, vhost: Vhost) -> Iterator[Publish]:
    example = python(section, vhost)
    yield example.publish
    example.close()


def open_the_door(vhost: Vhost, **limits: Any) -> None:
    vhost.api("PUT", f"exchanges/{vhost.name}/{DOOR}", {"type": "fanout"})
    vhost.api("PUT", f"queues/{vhost.name}/{QUEUE}", {"arguments": limits})
    vhost.api("POST", f"bindings/{vhost.name}/e/{DOOR}/q/{QUEUE}", {})


def arrived(vhost: Vhost) -> list[Any]:
    asked = {"count": 5, "ackmode": "ack_requeue_false", "encoding": "base64"}
    return vhost.api("POST", f"queues/{vhost.name}/{QUEUE}/get", asked)


def test_the_order_arrives_as_workers_expect_it(publish: Publish, vhost: Vhost) -> None:
    open_the_door(vhost)

    publish("run-1", "burger-hut", ORDER)

    (order,) = arrived(vhost)
    assert order["routing_key"] == "burger-hut"
    properties = order["properties"]
    assert properties["correlation_id"] == "run-1"
    assert properties["delivery_mode"] == 2
    assert (properties["content_type"], properties["content_encoding"]) == ("application/json", "utf-8")
    headers = properties["headers"]
    assert (headers["task"], headers["id"]) == ("merchantroute.order", "run-1")
    assert isinstance(headers["mr-published-at"], int)
    args, kwargs, _ = json.loads(base64.b64decode(order["payload"]))
    assert (args, kwargs) == ([], {"order": ORDER})


def test_publishing_declares_nothing_of_its_own(publish: Publish, vhost: Vhost) -> None:
    open_the_door(vhost)

    publish("run-1", "burger-hut", {})

    assert [queue["name"] for queue in vhost.api("GET", f"queues/{vhost.name}")] == [QUEUE]


def test_without_a_door_it_fails_loudly(publish: Publish) -> None:
    with pytest.raises((NotFound, NotSafe), match=r"no exchange 'mr\.orders\.pos'"):
        publish("run-1", "burger-hut", {})


def test_with_nothing_behind_the_door_it_fails_loudly(publish: Publish, vhost: Vhost) -> None:
    vhost.api("PUT", f"exchanges/{vhost.name}/{DOOR}", {"type": "fanout"})

    with pytest.raises((ChannelError, NotSafe), match=r"NO_ROUTE|returned as unroutable"):
        publish("run-1", "burger-hut", {})


def test_a_task_that_was_delayed_arrives_or_fails_loudly(vhost: Vhost) -> None:
    example = python(DELAY, vhost)
    open_the_door(vhost)

    example.publish("run-1", "burger-hut", {"dish": "soup"})

    (task,) = arrived(vhost)
    assert (task["routing_key"], task["properties"]["correlation_id"]) == ("burger-hut", "run-1")
    assert task["properties"]["headers"]["task"] == "shop.cook"
    assert [queue["name"] for queue in vhost.api("GET", f"queues/{vhost.name}")] == [QUEUE]
    vhost.api("DELETE", f"queues/{vhost.name}/{QUEUE}")
    with pytest.raises(NotSafe, match="unroutable"):
        example.publish("run-2", "burger-hut", {})
    example.close()


def test_an_order_of_sqlalchemy_s_outbox_arrives(vhost: Vhost, tmp_path: Path) -> None:
    open_the_door(vhost)
    _django, example = blocks(OUTBOX, "python")
    names: dict[str, Any] = {}
    here = re.sub(r'create_engine\("[^"]*"', f'create_engine("sqlite:///{tmp_path / "shop.db"}"', example)
    exec(compile(here, str(PAGE), "exec"), names)  # noqa: S102 - it is the repository's own example
    names["metadata"].create_all(names["engine"])

    names["check_out"]("run-1", "burger-hut", ORDER)
    with Client(broker=vhost.amqp_url, route="orders/pos") as client:
        did = names["outbox"].relay(names["engine"], client).run_once()

    assert (did.claimed, did.confirmed) == (1, 1)
    (order,) = arrived(vhost)
    assert (order["routing_key"], order["properties"]["correlation_id"]) == ("burger-hut", "run-1")


def test_the_request_that_curl_makes_brings_the_order(vhost: Vhost) -> None:
    open_the_door(vhost)
    request = curl()

    status, answer = request.send(vhost)

    assert status == 200
    assert request.wanted in answer
    (order,) = arrived(vhost)
    assert order["routing_key"] == "burger-hut"
    properties = order["properties"]
    assert properties["correlation_id"] == properties["headers"]["id"] == "order-4711"
    assert properties["headers"]["task"] == "merchantroute.order"
    assert properties["delivery_mode"] == 2
    args, kwargs, _ = json.loads(base64.b64decode(order["payload"]))
    items = [{"name": "Ramen", "quantity": 1, "unit_price": 1250}]
    assert (args, kwargs) == ([], {"order": {"id": "order-4711", "items": items, "total": 1250}})


def test_what_curl_looks_for_is_missing_whenever_the_order_is_not_safe(vhost: Vhost) -> None:
    request = curl()
    without_a_door = request.send(vhost)
    vhost.api("PUT", f"exchanges/{vhost.name}/{DOOR}", {"type": "fanout"})
    with_nothing_behind_it = request.send(vhost)
    open_the_door(vhost, **{"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"})
    refused = request.send(vhost)

    assert [without_a_door[0], with_nothing_behind_it[0], refused[0]] == [404, 200, 400]
    assert [answer for _, answer in (without_a_door, with_nothing_behind_it, refused) if request.wanted in answer] == []
    assert {"--max-time", "--fail-with-body"} <= set(request.options)
