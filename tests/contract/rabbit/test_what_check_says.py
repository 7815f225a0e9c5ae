"""A broker that cannot carry a route is told apart by the one thing that its owner has to mend."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from merchantroute_kit.servers.rabbitmq import PASSWORD, USER, bare_broker
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.errors import (
    BrokerError,
    BrokerRefusedCredentials,
    BrokerUnreachable,
    PluginMissing,
    SecretInvalid,
    VhostMissing,
)
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.contract.rabbit.users import user
from tests.harness.dialing import loopback


@asynccontextmanager
async def opened(address: BrokerAddress) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(address, loopback())
    try:
        yield broker
    finally:
        await broker.close()


async def refusal(address: BrokerAddress) -> BrokerError:
    async with opened(address) as broker:
        with pytest.raises(BrokerError) as caught:
            await broker.check()
    assert address.password not in str(caught.value)
    return caught.value


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_broker_with_all_it_takes_passes(rabbit: RabbitBroker) -> None:
    await rabbit.check()


async def test_a_wrong_password_is_told_without_repeating_it(address: BrokerAddress) -> None:
    error = await refusal(replace(address, password="hunter2-wrong"))
    assert isinstance(error, BrokerRefusedCredentials)


async def test_a_user_without_the_tag_management_is_told_which_tag_is_needed(
    vhost: Vhost, address: BrokerAddress
) -> None:
    with user(vhost, address, tags="", configure=".*") as plain:
        error = await refusal(plain)
    assert isinstance(error, BrokerRefusedCredentials)
    assert "management" in str(error)


async def test_a_user_without_rights_on_the_vhost_is_refused(vhost: Vhost, address: BrokerAddress) -> None:
    with user(vhost, address, tags="management", configure=None) as stranger:
        error = await refusal(stranger)
    assert isinstance(error, BrokerRefusedCredentials)
    assert vhost.name in str(error)


async def test_a_user_who_is_no_administrator_is_enough(vhost: Vhost, address: BrokerAddress) -> None:
    with user(vhost, address, tags="management", configure=".*") as modest:
        async with opened(modest) as broker:
            await broker.check()


@pytest.mark.parametrize("vhost_name", ["nowhere", "no where/%2F ü"])
async def test_a_missing_vhost_is_named(address: BrokerAddress, vhost_name: str) -> None:
    error = await refusal(replace(address, vhost=vhost_name))
    assert isinstance(error, VhostMissing)
    assert vhost_name in str(error)


async def test_a_broker_where_nothing_answers_is_unreachable(address: BrokerAddress) -> None:
    port = closed_port()
    error = await refusal(replace(address, port=port, management_uri=f"http://127.0.0.1:{port}"))
    assert isinstance(error, BrokerUnreachable)
    assert f"127.0.0.1:{port}" in str(error)


async def test_a_host_that_no_name_server_knows_is_unreachable(address: BrokerAddress) -> None:
    error = await refusal(replace(address, host="rabbit.invalid", management_uri="http://rabbit.invalid:15672"))
    assert isinstance(error, BrokerUnreachable)


async def test_a_wrong_amqp_port_is_not_mistaken_for_a_healthy_broker(address: BrokerAddress) -> None:
    error = await refusal(replace(address, port=closed_port()))
    assert isinstance(error, BrokerUnreachable)
    assert "port" in str(error)


async def test_a_ca_that_is_no_certificate_is_the_secrets_fault(address: BrokerAddress) -> None:
    async with opened(replace(address, ca="not a certificate", management_uri="https://127.0.0.1:1")) as broker:
        with pytest.raises(SecretInvalid):
            await broker.check()


async def test_missing_plugins_are_told_with_the_commands_that_mend_it() -> None:
    with bare_broker() as own:
        management = f"http://127.0.0.1:{own.management_port}"
        its_own = BrokerAddress("127.0.0.1", own.amqp_port, USER, PASSWORD, "/", management)
        error = await refusal(its_own)
        assert isinstance(error, PluginMissing)
        assert "`rabbitmq-plugins enable rabbitmq_management`" in str(error)

        assert own.enable("rabbitmq_management")
        error = await refusal(its_own)
        assert isinstance(error, PluginMissing)
        assert "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange`" in str(error)

        assert own.enable("rabbitmq_consistent_hash_exchange")
        async with opened(its_own) as broker:
            await broker.check()
