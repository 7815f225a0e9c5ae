"""Of a server that has not shown that it is RabbitMQ nothing is repeated, and no redirect leads anywhere."""

from __future__ import annotations

import json

import pytest

from merchantroute_operator.errors import BrokerError
from merchantroute_operator.rabbit.broker_errors import LONGEST
from tests.unit.operator.rabbit.odd_server import OddServer, odd_broker

OVERVIEW = b'{"exchange_types": [{"name": "x-consistent-hash"}]}'
HINT = "leader is 10.0.7.3, token s.CAESIJ"


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "500 Oops", "503 Busy"])
@pytest.mark.parametrize("key", ["error", "reason"])
async def test_an_error_of_what_may_be_anything_is_a_number_only(status: str, key: str) -> None:
    server = OddServer()
    server.say(json.dumps({key: HINT}).encode(), status=status)
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError) as checked:
            await broker.check()
        with pytest.raises(BrokerError, match=f"answered {status[:3]}") as read:
            await broker.samples()
    assert "10.0.7.3" not in f"{checked.value} {read.value}"


async def test_rabbitmqs_own_words_are_quoted_and_bounded() -> None:
    server = OddServer()
    server.say(OVERVIEW)
    async with odd_broker(server) as broker:
        await broker.check()
        server.say(json.dumps({"reason": "vhost is down " + "x" * 1000}).encode(), status="500 Oops")
        with pytest.raises(BrokerError, match=r"vhost is down x+") as caught:
            await broker.samples()
        assert str(caught.value).count("x") <= LONGEST


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_told_and_not_followed(status: str) -> None:
    elsewhere = OddServer()
    elsewhere.say(OVERVIEW)
    server = OddServer()
    async with odd_broker(elsewhere) as there:
        port = there._address.port
        server.say(b"", f"Location: http://127.0.0.1:{port}/api/overview", status=status)
        async with odd_broker(server) as broker:
            with pytest.raises(BrokerError, match=f"answered {status[:3]}, a redirect, which is not followed"):
                await broker.check()
    assert len(server.asked) == 1
    assert elsewhere.asked == []
