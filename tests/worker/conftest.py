"""What the worker's tests share: merchants for the whole run, and a lane for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane

DELAYS = (200, 700)


@pytest.fixture(scope="session")
def merchants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MerchantSim]:
    """All merchants, in one process."""
    sim = MerchantSim(tmp_path_factory.mktemp("sim") / "sim.log")
    yield sim
    sim.close()


@pytest.fixture
def lane(tmp_path: Path, vhost: Vhost, merchants: MerchantSim) -> Iterator[LocalLane]:
    """A lane with its broker objects declared."""
    topology.declare(vhost, DELAYS)
    made = LocalLane(tmp_path, vhost, merchants)
    yield made
    made.close()
