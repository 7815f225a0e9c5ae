"""A route on a virtual host of the test's own, and relays to it."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from merchantroute_kit.servers.vhosts import Vhost
from tests.contract.client.broker_with_route import BrokerWithRoute
from tests.contract.client.relay import Relay


@pytest.fixture
def bare(vhost: Vhost) -> BrokerWithRoute:
    """A broker without the route."""
    return BrokerWithRoute(vhost)


@pytest.fixture
def place(bare: BrokerWithRoute) -> BrokerWithRoute:
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
