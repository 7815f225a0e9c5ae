"""A server that asks to be left alone for some seconds is: what it answered says for how long."""

from __future__ import annotations

import asyncio

import pytest
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from merchantroute_operator.errors import BrokerError, KubeError, retry_after
from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.client import KubeClient
from tests.unit.operator.rabbit.odd_server import OddServer, odd_broker


async def test_the_api_servers_wish_comes_with_its_error() -> None:
    server = OddServer()
    server.say(b"too many", "Retry-After: 17", status="429 Too Many Requests")
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, ApiClient(configuration) as client:
        with pytest.raises(KubeError) as raised:
            await KubeClient(Api(client)).route("orders", "pos")
    assert raised.value.retry_after == 17.0


async def test_a_brokers_wish_comes_with_its_error() -> None:
    server = OddServer()
    server.say(b"", "Retry-After: 30", status="503 Service Unavailable")
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError) as raised:
            await broker.samples()
    assert raised.value.retry_after == 30.0


@pytest.mark.parametrize("header", [None, "", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "²", "9" * 400])
def test_what_is_no_number_of_seconds_asks_for_nothing(header: str | None) -> None:
    assert retry_after(header) == 0.0
