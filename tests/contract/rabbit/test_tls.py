"""A RabbitMQ that speaks TLS and asks its clients for a certificate, with an authority that a team made itself."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from amqp.exceptions import AccessRefused

from merchantroute_kit.servers.rabbitmq import PASSWORD, USER, tls_broker
from merchantroute_kit.servers.vhosts import api
from merchantroute_operator.errors import BrokerTLSFailed, SecretInvalid
from merchantroute_operator.rabbit.amqp import connection
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress, parse_broker, parse_pods_broker
from merchantroute_worker.rabbit.address import BrokerAddress as WorkerAddress
from merchantroute_worker.rabbit.connection import connect
from tests.harness.certificates import authority, certificate
from tests.harness.dialing import loopback


@dataclass(frozen=True)
class Place:
    """The broker's ports, and the folder of certificates."""

    plain: int
    amqp: int
    management: int
    folder: Path
    management_url: str

    def secret(self, **keys: str) -> dict[str, bytes]:
        """A Secret for the TLS port, with these keys more; a name like `ca_crt` is the key `ca.crt`."""
        text = {
            "connection_string": f"amqps://{USER}:{PASSWORD}@127.0.0.1:{self.amqp}",
            "management_uri": f"https://127.0.0.1:{self.management}",
            **{key.replace("_crt", ".crt").replace("_key", ".key"): value for key, value in keys.items()},
        }
        return {key: value.encode() for key, value in text.items()}

    def pem(self, name: str) -> str:
        """The content of a file."""
        return (self.folder / name).read_text()

    def whole(self) -> dict[str, bytes]:
        """A Secret with all that this broker asks for."""
        return self.secret(ca_crt=self.pem("ca.crt"), tls_crt=self.pem("client.crt"), tls_key=self.pem("client.key"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The broker, up."""
    folder = tmp_path_factory.mktemp("tls")
    ca, other = authority(folder, "ca"), authority(folder, "other")
    certificate(folder, "tls", by=ca, names="IP:127.0.0.1")
    certificate(folder, "client", by=ca)
    certificate(folder, "stranger", by=other)
    with tls_broker(folder) as (broker, tls):
        yield Place(broker.amqp_port, tls.amqp, tls.management, folder, broker.mgmt_url)


async def fault(address: BrokerAddress) -> str:
    """What the port says of the broker at this address."""
    broker = RabbitBroker(address, loopback())
    try:
        with pytest.raises(BrokerTLSFailed) as caught:
            await broker.check()
    finally:
        await broker.close()
    return str(caught.value)


async def test_a_secret_with_all_that_is_asked_for_is_enough_for_operator_and_worker(
    place: Place, tmp_path: Path
) -> None:
    """Neither the authority's certificate nor the others have key identifiers."""
    address = parse_broker("rabbit", place.whole())
    broker = RabbitBroker(address, loopback())
    try:
        await broker.check()
        await broker.observe("mr.orders.pos")
        async with connection(address, loopback(), "test") as opened:
            assert not opened.is_closed
    finally:
        await broker.close()

    await asyncio.to_thread(converse, WorkerAddress.from_secret(place.whole()).with_files(tmp_path))


def converse(address: WorkerAddress) -> None:
    """Declare a queue as worker."""
    with connect(address) as opened:
        opened.channel().queue_declare("", exclusive=True)


async def test_a_client_certificate_alone_logs_in_the_user_of_its_name(place: Place, tmp_path: Path) -> None:
    keys = {key: value for key, value in place.whole().items() if key not in ("connection_string", "management_uri")}
    keys |= {"host": b"127.0.0.1", "port": str(place.amqp).encode()}
    address = WorkerAddress.from_secret(keys).with_files(tmp_path)
    with pytest.raises(AccessRefused):
        await asyncio.to_thread(converse, address)

    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    api(place.management_url, "PUT", "users/client", {"password_hash": "", "tags": ""})
    api(place.management_url, "PUT", "permissions/%2F/client", everything)

    await asyncio.to_thread(converse, address)
    assert parse_pods_broker("rabbit", keys).tls
    with pytest.raises(SecretInvalid, match="workerSecretRef"):
        parse_broker("rabbit", keys)


@pytest.mark.parametrize("by", ["operator", "worker"])
async def test_the_systems_authorities_are_enough(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(place.folder / "ca.crt"))  # what OpenSSL takes for the system's
    keys = {"tls_crt": place.pem("client.crt"), "tls_key": place.pem("client.key")}
    if by == "worker":
        await asyncio.to_thread(converse, WorkerAddress.from_secret(place.secret(**keys)).with_files(tmp_path))
        return
    broker = RabbitBroker(parse_broker("rabbit", place.secret(**keys)), loopback())
    try:
        await broker.check()
    finally:
        await broker.close()


async def test_an_authority_that_is_not_the_systems_is_named(place: Place) -> None:
    told = await fault(parse_broker("rabbit", place.secret()))

    assert "ca.crt" in told
    assert "not trusted" in told


@pytest.mark.parametrize("name", ["", "stranger"])
async def test_a_client_certificate_that_is_missing_or_not_the_brokers_is_told(place: Place, name: str) -> None:
    shown = {"tls_crt": place.pem(f"{name}.crt"), "tls_key": place.pem(f"{name}.key")} if name else {}
    told = await fault(parse_broker("rabbit", place.secret(ca_crt=place.pem("ca.crt"), **shown)))

    assert "tls.crt and tls.key" in told


async def test_amqp_alone_tells_of_a_missing_client_certificate_too(place: Place) -> None:
    """Its management API may be open to everybody."""
    without = parse_broker("rabbit", place.secret(ca_crt=place.pem("ca.crt")))
    plain = replace(without, management_uri="http://127.0.0.1:1")

    assert "tls.crt and tls.key" in await fault(plain)
    with pytest.raises(BrokerTLSFailed, match=r"tls\.crt and tls\.key"):
        async with connection(without, loopback(), "test"):
            pass


async def test_plain_amqp_to_a_tls_port_is_told(place: Place) -> None:
    keys = {"host": "127.0.0.1", "port": str(place.amqp), "username": USER, "password": PASSWORD}
    told = await fault(parse_broker("rabbit", {key: value.encode() for key, value in keys.items()}))

    assert "speaks TLS" in told
    assert str(place.amqp) in told


async def test_tls_to_a_plain_port_is_told(place: Place) -> None:
    address = replace(parse_broker("rabbit", place.whole()), port=place.plain)

    assert "speaks no TLS" in await fault(address)


async def test_a_name_that_the_certificate_does_not_bear_is_told(place: Place) -> None:
    address = replace(parse_broker("rabbit", place.whole()), host="localhost", management_uri="http://127.0.0.1:1")
    told = await fault(address)

    assert "Hostname mismatch" in told
    assert "host" in told.rpartition(": ")[2]


@pytest.mark.parametrize("key", ["not a key", "another's", "with a passphrase"])
async def test_a_key_that_is_not_the_certificates_is_the_secrets_fault(place: Place, tmp_path: Path, key: str) -> None:
    given = {
        "not a key": "no PEM",
        "another's": place.pem("stranger.key"),
        "with a passphrase": locked(place, tmp_path),
    }
    address = parse_broker("rabbit", place.secret(tls_crt=place.pem("client.crt"), tls_key=given[key]))
    broker = RabbitBroker(address, loopback())
    try:
        with pytest.raises(SecretInvalid, match=r"tls\.crt and tls\.key"):
            await broker.check()
    finally:
        await broker.close()


def locked(place: Place, folder: Path) -> str:
    """The client's key, encrypted."""
    out = folder / "locked.key"
    encrypt = ("openssl", "rsa", "-aes256", "-passout", "pass:secret", "-in", place.folder / "client.key", "-out", out)
    subprocess.run(encrypt, check=True, capture_output=True, timeout=60)
    return out.read_text()
