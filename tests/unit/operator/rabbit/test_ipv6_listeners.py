"""RabbitMQ's AMQP listener takes IPv6 by itself, and the management API's does not."""

import socket

import pytest

from merchantroute_kit.servers.ports import free_port, loopbacks
from merchantroute_operator.errors import ManagementSilent
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import parse_broker
from tests.harness.dialing import loopback

SETTING = "management.tcp.ip = ::"


@pytest.mark.parametrize("host", loopbacks())
async def test_a_management_api_that_may_listen_on_ipv4_alone_is_told_of_at_an_ipv6_address(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as amqp:
        keys = {"host": host, "port": str(amqp.getsockname()[1]), "username": "u", "password": "p"}
        keys["management_uri"] = f"http://{f'[{host}]' if ':' in host else host}:{free_port()}"
        broker = RabbitBroker(parse_broker("rabbit", {key: text.encode() for key, text in keys.items()}), loopback())
        try:
            with pytest.raises(ManagementSilent) as told:
                await broker.check()
        finally:
            await broker.close()
    assert (SETTING in str(told.value)) == (":" in host)
