"""What the worker's tests share: merchants for the whole run, and a lane for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.vhosts import Vhost
from tests.worker import topology
from tests.worker.lane import Lane
from tests.worker.merchant_sim import Merchants

DELAYS = (200, 700)


@pytest.fixture(scope="session")
def merchants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Merchants]:
    """All merchants, in one process."""
    sim = Merchants(tmp_path_factory.mktemp("sim") / "sim.log")
    yield sim
    sim.close()


@pytest.fixture
def lane(tmp_path: Path, vhost: Vhost, merchants: Merchants) -> Iterator[Lane]:
    """A lane with its broker objects declared."""
    topology.declare(vhost, DELAYS)
    made = Lane(tmp_path, vhost, merchants)
    yield made
    made.close()
