"""The way to publish that docs/producing.md shows, word for word, against a real broker."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import ChannelError, NotFound

from tests.harness.vhosts import Vhost

PAGE = Path(__file__).resolve().parents[3] / "docs" / "producing.md"
DOOR, QUEUE = "mr.orders.pos", "behind-the-door"


@pytest.fixture
def publish(vhost: Vhost) -> Iterator[Any]:
    """The page's own function, with its app pointed at a fresh virtual host."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    example, places = re.subn(r'broker="amqp://[^"]*"', f'broker="{vhost.amqp_url}"', found[1])
    assert places == 1
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102 - it is the repository's own example
    yield names["publish"]
    names["app"].close()


def open_the_door(vhost: Vhost) -> None:
    vhost.api("PUT", f"exchanges/{vhost.name}/{DOOR}", {"type": "fanout"})
    vhost.api("PUT", f"queues/{vhost.name}/{QUEUE}", {})
    vhost.api("POST", f"bindings/{vhost.name}/e/{DOOR}/q/{QUEUE}", {})


def test_the_order_arrives_as_workers_expect_it(publish: Any, vhost: Vhost) -> None:
    open_the_door(vhost)

    publish("run-1", "burger-hut", {"items": [{"name": "Ramen 拉麺", "quantity": 2}]})

    got = vhost.api(
        "POST",
        f"queues/{vhost.name}/{QUEUE}/get",
        {"count": 2, "ackmode": "ack_requeue_false", "encoding": "base64"},
    )
    assert len(got) == 1
    order = got[0]
    assert order["routing_key"] == "burger-hut"
    assert order["properties"]["correlation_id"] == "run-1"
    assert order["properties"]["delivery_mode"] == 2
    headers = order["properties"]["headers"]
    assert (headers["task"], headers["id"]) == ("merchantroute.order", "run-1")
    assert isinstance(headers["mr-published-at"], int)
    args, kwargs, _ = json.loads(base64.b64decode(order["payload"]))
    assert (args, kwargs) == ([], {"order": {"items": [{"name": "Ramen 拉麺", "quantity": 2}]}})


def test_publishing_declares_nothing_of_its_own(publish: Any, vhost: Vhost) -> None:
    open_the_door(vhost)

    publish("run-1", "burger-hut", {})

    assert [queue["name"] for queue in vhost.api("GET", f"queues/{vhost.name}")] == [QUEUE]


def test_without_a_door_it_fails_loudly(publish: Any) -> None:
    with pytest.raises(NotFound, match=r"no exchange 'mr\.orders\.pos'"):
        publish("run-1", "burger-hut", {})


def test_with_nothing_behind_the_door_it_fails_loudly(publish: Any, vhost: Vhost) -> None:
    vhost.api("PUT", f"exchanges/{vhost.name}/{DOOR}", {"type": "fanout"})

    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish("run-1", "burger-hut", {})
