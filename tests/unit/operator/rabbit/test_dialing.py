"""A broker's name is judged by the addresses that it has at the moment of connecting, and those are connected to."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from merchantroute_operator.errors import BrokerNotAllowed, KubeForbidden
from merchantroute_operator.rabbit.amqp import connection
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.spec.broker_rules import Address, BrokerRules
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import ON_LOOPBACK, StaticCluster

SERVICE = "rabbit.orders.svc"
CLUSTER = StaticCluster(
    {("orders", "rabbit"): {ip_address("10.96.3.4"), ip_address("fd00::34")}},
    hosts=frozenset({ip_address("8.8.4.4"), ip_address("10.96.0.1")}),
)


class Names:
    """A name server: the answers for a name, one after the other; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.asked = 0
        real = asyncio.BaseEventLoop.getaddrinfo

        async def getaddrinfo(loop: Any, host: str, port: int, **options: Any) -> Any:
            if not self.answers or host[0].isdigit() or ":" in host:
                return await real(loop, host, port, **options)
            self.asked += 1
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, port)) for ip in answer]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The name server of this test."""
    return Names(monkeypatch)


def dialer(cluster: Any = CLUSTER, **settings: str) -> Dialer:
    rules = BrokerRules.from_env({f"MR_OPERATOR_BROKER_{name}": text for name, text in settings.items()})
    return Dialer(rules, cluster, "merchantroute-system")


@pytest.mark.parametrize(
    ("host", "addresses", "settings"),
    [
        (SERVICE, ["10.96.3.4"], {}),
        (SERVICE, ["10.96.3.4", "fd00::34"], {"NAMESPACES": "orders"}),
        ("mq.example.com", ["8.8.8.8"], {}),
        ("mq.example.internal", ["10.1.2.3"], {"ADDRESSES": "10.1.0.0/16"}),
    ],
)
async def test_services_public_addresses_and_listed_ranges_are_allowed(
    names: Names, host: str, addresses: list[str], settings: dict[str, str]
) -> None:
    names.answers = [addresses]
    assert await dialer(**settings).resolve(host, 5672) == addresses


@pytest.mark.parametrize(
    ("host", "address", "settings", "words"),
    [
        (SERVICE, "127.0.0.1", {}, "it leads to a loopback address"),
        (SERVICE, "169.254.169.254", {}, "it leads to a link-local address"),
        (SERVICE, "10.96.0.1", {}, "a private address that is no Service's"),
        ("rabbit.teams.svc", "10.96.3.4", {}, "a private address that is no Service's"),
        ("mq.example.internal", "172.18.0.2", {}, "a private address that is no Service's"),
        ("mq.example.com", "8.8.4.4", {}, "an address of a node or of the API server"),
        ("mq.example.com", "::ffff:8.8.4.4", {}, "an address of a node or of the API server"),
        ("mq.example.com", "8.8.8.8", {"ADDRESSES": "services"}, "it leads to a public address"),
        ("mq.example.com", "8.8.8.8", {"ADDRESSES": "public,!8.8.8.0/24"}, "an address that is excluded"),
        (SERVICE, "10.96.3.4", {"ADDRESSES": "public"}, "it is a Service of the cluster"),
        (SERVICE, "10.96.3.4", {"NAMESPACES": "messaging"}, "namespace orders is not among those of MR_OPERATOR_"),
        (SERVICE, "10.96.3.4", {"HOSTS": "*.messaging.svc"}, "its host is not among those of MR_OPERATOR_BROKER_HOSTS"),
        (SERVICE, "10.96.3.4", {"PORTS": "5671"}, "its port 5672 is not among those of MR_OPERATOR_BROKER_PORTS"),
    ],
)
async def test_everything_else_is_refused_in_words_that_name_the_setting(
    names: Names, host: str, address: str, settings: dict[str, str], words: str
) -> None:
    names.answers = [[address]]
    with pytest.raises(BrokerNotAllowed) as caught:
        await dialer(**settings).resolve(host, 5672)
    said = str(caught.value)
    assert words in said
    assert "MR_OPERATOR_BROKER_" in said
    assert f"{host}:5672" in said
    assert address not in said


async def test_a_route_reaches_the_services_of_its_own_namespace_and_shared_ones(names: Names) -> None:
    names.answers = [["10.96.3.4"]]
    own = dialer(NAMESPACES="@own, messaging")
    assert await own.for_routes_of("orders").resolve(SERVICE, 5672) == ["10.96.3.4"]
    with pytest.raises(
        BrokerNotAllowed, match="namespace orders is neither the route's own nor among those of MR_OPER"
    ):
        await own.for_routes_of("teams").resolve(SERVICE, 5672)
    assert await dialer(NAMESPACES="orders").for_routes_of("teams").resolve(SERVICE, 5672) == ["10.96.3.4"]


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1", "::1", "localhost"])
async def test_no_spelling_of_loopback_is_let_through(host: str) -> None:
    with pytest.raises(BrokerNotAllowed, match="loopback"):
        await dialer().resolve(host, 5672)


async def test_of_several_addresses_those_that_are_allowed_are_taken(names: Names) -> None:
    names.answers = [["127.0.0.1", "8.8.8.8", "10.0.0.1"]]
    assert await dialer().resolve("mq.example.com", 5672) == ["8.8.8.8"]


async def test_what_cannot_be_judged_is_refused_in_the_api_servers_words(names: Names) -> None:
    class Blind(StaticCluster):
        async def hosts(self) -> frozenset[Address]:
            raise KubeForbidden('Node *: nodes is forbidden: cannot list resource "nodes"')

    names.answers = [["8.8.8.8"]]
    with pytest.raises(BrokerNotAllowed, match=r'it could not be judged: Node .* cannot list resource "nodes"'):
        await dialer(Blind({})).resolve("mq.example.com", 5672)


@pytest.mark.parametrize(("address", "allowed"), [("8.8.8.8", True), ("10.96.3.4", False)])
async def test_without_rights_where_a_name_may_be_a_services_only_public_addresses_are_let_in(
    names: Names, address: str, allowed: bool
) -> None:
    class Blind(StaticCluster):
        async def is_of_service(self, namespace: str, name: str, address: Address) -> bool:
            del address
            raise KubeForbidden(f'Service {name}: cannot get resource "services" in the namespace "{namespace}"')

    names.answers = [[address]]
    resolving = dialer(Blind({})).resolve("rabbit.example", 5672)
    if allowed:
        assert await resolving == [address]
    else:
        with pytest.raises(BrokerNotAllowed, match='cannot get resource "services" in the namespace "example"'):
            await resolving


async def test_an_answer_that_changes_between_judging_and_connecting_changes_nothing(names: Names) -> None:
    """A name server of the tenant's own: the first answer pleases, every later one is loopback."""
    reached: list[str] = []

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(str(writer.get_extra_info("sockname")[0]))
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, await asyncio.start_server(greet, "127.0.0.2", port):
        judging = dialer(ADDRESSES="127.0.0.2/32", PORTS="1-65535")
        names.answers = [["127.0.0.2"], ["127.0.0.1"]]
        reader, writer = await judging.connect("mq.example.com", port)
        await reader.read()
        writer.close()
        with pytest.raises(BrokerNotAllowed):
            await judging.connect("mq.example.com", port)
    assert reached == ["127.0.0.2"]


async def listening_everywhere() -> tuple[asyncio.Server, int, list[bytes]]:
    """A server on loopback that notes each request's head, and answers with nothing."""
    heads: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], heads


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_the_management_api_is_judged_as_well(host: str) -> None:
    server, port, heads = await listening_everywhere()
    address = BrokerAddress("8.8.8.8", 5672, "u", "p4ss", "/", f"http://{host}:{port}")
    management = Management(address, dialer(PORTS="1-65535"))
    async with server:
        with pytest.raises(Exception, match=r"loopback|canonical|is not RabbitMQ's|cannot be reached"):
            await management.call("GET", "overview", what="looking")
    await management.close()
    assert heads == []


async def test_amqp_is_judged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    server, port, heads = await listening_everywhere()
    address = BrokerAddress("127.0.0.1", port, "u", "p4ss", "/", "http://127.0.0.1:1")
    async with server:
        with pytest.raises(BrokerNotAllowed, match="loopback"):
            async with connection(address, dialer(PORTS="1-65535"), "tries"):
                pass
        broker = RabbitBroker(address, dialer(PORTS="1-65535"))
        with pytest.raises(BrokerNotAllowed, match="loopback"):
            await broker.check()
        await broker.close()
    assert heads == []
    assert "aiormq" not in caplog.text


async def test_a_name_whose_first_address_refuses_is_reached_at_the_next() -> None:
    server, port, heads = await listening_everywhere()
    async with server:
        judging = Dialer(BrokerRules.from_env(ON_LOOPBACK), CLUSTER, "own")
        reader, writer = await judging.connect("localhost", port)
        writer.write(b"AMQP")
        writer.write_eof()
        await reader.read()
        writer.close()
    assert heads == [b"AMQP"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_is_looked_up_nowhere(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", lambda *of: asked.append(of))
    assert await Dialer(BrokerRules.from_env(ON_LOOPBACK), CLUSTER, "system").resolve(host, 5672) == [host]
    assert not asked
