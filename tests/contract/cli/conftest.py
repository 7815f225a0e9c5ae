"""A desk for each test."""

from collections.abc import Iterator

import pytest

from tests.contract.cli.desk import Desk
from tests.harness.vhosts import Vhost


@pytest.fixture
def desk(vhost: Vhost) -> Iterator[Desk]:
    """A route with an empty queue of dead letters."""
    made = Desk(vhost)
    yield made
    made.close()
