"""A broker of three nodes, of which one dies, is cut off, stands still or has no disk: nothing is lost or doubled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.environment.scale import SMALL, of_a_cluster
from benchmarks.faults.every_fault import ALL
from benchmarks.faults.experiment import run_fault
from benchmarks.faults.fault import Fault
from benchmarks.progress import quiet
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq_cluster import RabbitMQCluster, own_cluster

FAULTS = [fault for fault in ALL if fault.needs.cluster]


@pytest.fixture(scope="module")
def three_nodes() -> Iterator[RabbitMQCluster]:
    """Three nodes, which each fault leaves whole."""
    with own_cluster() as started:
        yield started


@pytest.mark.extended
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_three_nodes_lose_and_double_no_order(
    fault: Fault, three_nodes: RabbitMQCluster, merchants: MerchantSim, tmp_path: Path
) -> None:
    quiet()

    row = run_fault(
        fault,
        of_a_cluster(SMALL),
        amqp_url=three_nodes.amqp_url,
        mgmt_url=three_nodes.mgmt_url,
        broker=None,
        merchants=merchants,
        tell=lambda _: None,
        root=tmp_path,
        cluster=three_nodes,
    )

    assert row.failures == ()
    assert (row.lost, row.doubled) == (0, 0)
    assert row.published == row.done + row.dead >= SMALL.orders
