"""A user of dead letters for each test."""

from collections.abc import Iterator

import pytest

from merchantroute_kit.servers.vhosts import Vhost
from tests.contract.cli.dead_letter_user import DeadLetterUser


@pytest.fixture
def person(vhost: Vhost) -> Iterator[DeadLetterUser]:
    """A route with an empty queue of dead letters."""
    made = DeadLetterUser(vhost)
    yield made
    made.close()
