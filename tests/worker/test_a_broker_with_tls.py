"""A worker on a broker that speaks TLS, by a private authority, and asks for a client certificate."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import tls_broker
from merchantroute_kit.servers.vhosts import fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.harness.certificates import authority, certificate
from tests.worker.conftest import DELAYS


@pytest.fixture
def encrypted(tmp_path: Path, merchants: MerchantSim) -> Iterator[LocalLane]:
    """A lane whose pods are given the TLS port and all that it takes; the test itself uses the plain one."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    ca = authority(folder, "ca")
    certificate(folder, "tls", by=ca)
    shown = certificate(folder, "client", by=ca)
    with tls_broker(folder) as (broker, tls), fresh_vhost(broker.amqp_url, broker.mgmt_url, "test") as vhost:
        topology.declare(vhost, DELAYS)
        made = LocalLane(tmp_path, vhost, merchants)
        mounted = {
            "port": str(tls.amqp),
            "ca.crt": ca.read_text(),
            "tls.crt": shown.read_text(),
            "tls.key": shown.with_suffix(".key").read_text(),
        }
        for key, content in mounted.items():
            (tmp_path / "broker" / key).write_text(content)
        yield made
        made.close()


@pytest.fixture
def by_certificate(encrypted: LocalLane) -> LocalLane:
    """The same, whose pods have neither user nor password."""
    vhost = encrypted.vhost
    everything = {"configure": "", "write": ".*", "read": ".*"}
    vhost.api("PUT", "users/client", {"password_hash": "", "tags": ""})
    vhost.api("PUT", f"permissions/{vhost.name}/client", everything)
    for key in ("username", "password"):
        (encrypted.root / "broker" / key).unlink()
    return encrypted


def test_orders_are_done_by_pods_that_a_certificate_logs_in(by_certificate: LocalLane) -> None:
    """Each connection of a pod is the certificate's user's: none goes in as somebody else."""
    merchant = by_certificate.merchant("bistro")
    by_certificate.configure(merchant)
    by_certificate.work().ready()

    ids = by_certificate.orders(merchant, 10)

    by_certificate.until_done(ids)
    assert by_certificate.ledger() == {"done": 10}
    until(partial(encrypted_logins, by_certificate), "the broker tells of the connections, every five seconds", 60)
    assert encrypted_logins(by_certificate) == {("client", "EXTERNAL")}


def encrypted_logins(lane: LocalLane) -> set[tuple[str, str]]:
    """User and mechanism of each connection that is TLS: the pods' own."""
    found = lane.vhost.api("GET", "connections")
    return {(each["user"], each["auth_mechanism"]) for each in found if each.get("ssl")}


def test_orders_are_done_over_it(encrypted: LocalLane) -> None:
    """What is consumed, published and reported goes over connections of their own."""
    merchant = encrypted.merchant("bistro")
    encrypted.configure(merchant)
    encrypted.work().ready()

    ids = encrypted.orders(merchant, 10)

    encrypted.until_done(ids)
    assert encrypted.ledger() == {"done": 10}
