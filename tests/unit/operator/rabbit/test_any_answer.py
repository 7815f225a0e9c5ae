"""Whatever answers in the place of a management API, the port raises nothing but its own errors, in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from merchantroute_operator.errors import BrokerError
from merchantroute_operator.lane_users.broker_user import Permissions
from merchantroute_operator.lane_users.user_plan import WantedUser, ensure
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology.objects import Binding, Unbind
from tests.unit.operator.rabbit.odd_server import OddServer, odd_broker

RIGHTS = Permissions("^$", "^$", "^$")
RUNG = Unbind(Binding("mr.orders.pos.standard.retry", "mr.orders.pos.standard.retry.1000", "queue", "", "1000"))
FUZZ = settings(derandomize=True, deadline=None, max_examples=40, database=None)
QUEUE: dict[str, Any] = {
    "name": "mr.orders.pos.standard.stable", "arguments": {}, "messages": 1, "messages_ready": 1,
    "messages_unacknowledged": 0, "message_stats": {"publish": 3}, "consumers": 1, "type": "fanout",
    "source": "mr.orders.pos.standard.retry", "destination": "mr.orders.pos.standard.retry.1000",
    "destination_type": "queue", "routing_key": "", "properties_key": "x",
    "user": "mr.orders.pos.standard.stable", "tags": ["a"], "password_hash": "x",
    "configure": "", "write": "", "read": "",
}  # fmt: skip
TEXTS = st.text(max_size=20) | st.text(st.characters(categories=["Cs", "Cc", "Lo"]), max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | TEXTS
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from([*QUEUE]), inner, max_size=4),
    max_leaves=8,
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(QUEUE, SHAPES)), min_size=1, max_size=2)
ALMOST = st.builds(lambda key, value: [{**QUEUE, key: value}], st.sampled_from([*QUEUE]), SHAPES)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples."""
    with asyncio.Runner() as running:
        yield running


async def every_call(broker: RabbitBroker) -> None:
    with suppress(BrokerError):
        await broker.check()
    with suppress(BrokerError):
        await broker.observe("mr.orders.pos")
    with suppress(BrokerError):
        for sample in (await broker.samples()).values():
            figures = (sample.messages, sample.ready, sample.unacked, sample.published, sample.consumers)
            assert all(each is None or float(each) >= 0 for each in figures)
    with suppress(BrokerError):
        await broker.users()
    with suppress(BrokerError):
        for name, user in (await broker._read_users()).items():
            assert name.startswith("mr.")
            assert ensure([WantedUser(name, RIGHTS, "p")], {name: user}, "a") is not None
    with suppress(BrokerError):
        await broker.run(((RUNG,),))


async def ask(server: OddServer) -> None:
    async with odd_broker(server) as broker:
        await every_call(broker)


@FUZZ
@given(raw=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
@example(raw=b"")
@example(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
@example(raw=b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\x00; a\r\nContent-Length: 2\r\n\r\n[]")
@example(raw=b"HTTP/1.1 999 \xff\r\nContent-Length: 2\r\nContent-Type: a; charset=hex\r\n\r\n[]")
@example(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n[]")
def test_any_bytes_as_an_answer_are_an_error_of_the_broker_at_worst(runner: asyncio.Runner, raw: bytes) -> None:
    server = OddServer()
    server.raw = raw
    runner.run(ask(server))


@FUZZ
@given(
    body=st.binary(max_size=60) | (SHAPES | ROWS | ALMOST).map(lambda shape: json.dumps(shape).encode()),
    status=st.sampled_from(["200 OK", "204 No Content", "400 Bad", "404 Not Found", "500 No", "302 Found"]),
)
@example(body=b"<html>Welcome to nginx!</html>", status="200 OK")
@example(body=b"[" * 100_000, status="200 OK")
@example(body=b"[" * 100_000, status="500 No")
@example(body=b'[{"name":"mr.orders.pos", "arguments": {}', status="200 OK")
@example(body=b'{"error":"not_authorised","reason":["\\ud800"]}', status="500 No")
@example(body=json.dumps([{**QUEUE, "tags": 7}]).encode(), status="200 OK")
@example(body=json.dumps([{**QUEUE, "password_hash": "\ud800"}]).encode(), status="200 OK")
@example(body=b"9" * 5000, status="200 OK")
@example(body=b"\xff\xfe[", status="200 OK")
def test_any_body_and_any_json_are_an_error_of_the_broker_at_worst(
    runner: asyncio.Runner, body: bytes, status: str
) -> None:
    server = OddServer()
    server.say(body, status=status)
    runner.run(ask(server))


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome to nginx!</html>", b'{"error": "nope"}', b'[{"name": 7}]', b"null", b'["a"]'],
    ids=["a page", "an object", "another type", "null", "a list of texts"],
)
async def test_an_answer_that_is_not_rabbitmqs_says_which_key_to_look_at(body: bytes) -> None:
    server = OddServer()
    server.say(body)
    async with odd_broker(server) as broker:
        for call in (broker.check(), broker.samples(), broker.observe("mr.orders.pos")):
            with pytest.raises(BrokerError, match=r"is not RabbitMQ's management API: .* management_uri") as raised:
                await call
            assert "p4ss" not in str(raised.value)


async def test_a_figure_that_cannot_be_one_is_unknown() -> None:
    server = OddServer()
    server.say(json.dumps([{**QUEUE, "messages": -3, "messages_ready": 1.5, "consumers": 10**400}]).encode())
    async with odd_broker(server) as broker:
        (sample,) = (await broker.samples()).values()
    assert (sample.messages, sample.ready, sample.consumers, sample.published) == (None, None, None, 3)
