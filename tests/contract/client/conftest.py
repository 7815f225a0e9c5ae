"""A route on a virtual host of the test's own, and relays to it."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.client.place import Place
from tests.contract.client.relay import Relay
from tests.harness.vhosts import Vhost


@pytest.fixture
def bare(vhost: Vhost) -> Place:
    """A broker without the route."""
    return Place(vhost)


@pytest.fixture
def place(bare: Place) -> Place:
    """A broker with the route."""
    bare.open_the_route()
    return bare


@pytest.fixture
def relay(vhost: Vhost) -> Iterator[Callable[..., Relay]]:
    """Start relays to the broker, or, `silent`, to nobody."""
    with ExitStack() as running:

        def start(port: int = 0, *, silent: bool = False, tls: ssl.SSLContext | None = None) -> Relay:
            made = Relay(None if silent else (vhost.host, vhost.port), port, tls)
            running.callback(made.close)
            return made

        yield start
