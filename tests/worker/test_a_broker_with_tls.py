"""A worker on a broker that speaks TLS, by a private authority, and asks for a client certificate."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import tls_broker
from merchantroute_kit.servers.vhosts import fresh_vhost
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


def test_orders_are_done_over_it(encrypted: LocalLane) -> None:
    """What is consumed, published and reported goes over connections of their own."""
    merchant = encrypted.merchant("bistro")
    encrypted.configure(merchant)
    encrypted.work().ready()

    ids = encrypted.orders(merchant, 10)

    encrypted.until_done(ids)
    assert encrypted.ledger() == {"done": 10}
