"""A real RabbitMQ for the tests that need one: started once per run, when the first of them asks, removed at its end.

All processes of a run share it, each test has a virtual host of its own.

MR_TEST_AMQP and MR_TEST_MGMT name one that is there already (amqp://user:password@host:port and
http://user:password@host:port); nothing is then started or removed.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from merchantroute_kit.servers.hack import adopt_tools, hack
from merchantroute_kit.servers.rabbitmq import STARTING, docker, remove, start
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from tests.harness.run import leader, leads, made, once
from tests.harness.terminal import aloud

NAME = "merchantroute-pytest-"
OURS = re.compile(r"merchantroute-(?:pytest|own)-(\d+)(?:-|$)")  # the run's, and those that a test has for itself


@dataclass(frozen=True)
class Broker:
    """Where the broker is, with credentials that may do everything; `name` is None when it is somebody else's."""

    amqp_url: str
    mgmt_url: str
    name: str | None


BROKER = pytest.StashKey[Broker]()
SHARED = "broker"


def the_broker(config: pytest.Config) -> Broker:
    """Give the run's broker; whoever asks first waits until it is up."""
    if BROKER not in config.stash:
        with aloud(config):
            config.stash[BROKER] = _given() or Broker(**once(SHARED, lambda: asdict(_started())))
    return config.stash[BROKER]


def broker_environment(config: pytest.Config) -> dict[str, str]:
    """What a process of its own needs to use the run's broker."""
    broker = the_broker(config)
    return {"MR_TEST_AMQP": broker.amqp_url, "MR_TEST_MGMT": broker.mgmt_url}


def _given() -> Broker | None:
    amqp, management = os.environ.get("MR_TEST_AMQP"), os.environ.get("MR_TEST_MGMT")
    return Broker(amqp.rstrip("/"), management.rstrip("/"), None) if amqp and management else None


def _started() -> Broker:
    _remove_leftovers()
    started = start(f"{NAME}{leader()}")
    return Broker(started.amqp_url, started.mgmt_url, started.container)


def _remove_leftovers() -> None:
    """Remove brokers of runs that were killed; a run that still lives keeps its own."""
    hack("docker-up", within=STARTING)
    adopt_tools()
    for name in _left("ps", "--all", "--format", "{{.Names}}"):
        remove(name)
    for name in _left("network", "ls", "--format", "{{.Name}}"):  # of brokers of several nodes
        docker("network", "rm", name)


def _left(*listing: str) -> list[str]:
    """Names of ours in a listing, whose run has gone."""
    listed = subprocess.run(["docker", *listing], capture_output=True, text=True, check=True, timeout=60)
    owned = ((name, OURS.match(name)) for name in listed.stdout.split())
    return [name for name, owner in owned if owner and not Path("/proc", owner[1]).exists()]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the broker that this run started, whichever of its processes did."""
    if leads(config) and (found := made(SHARED)) and (name := found.get("value", {}).get("name")):
        remove(name)


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Broker:
    """The run's broker."""
    return the_broker(pytestconfig)


@pytest.fixture(scope="session")
def amqp_url(broker: Broker) -> str:
    """amqp://user:password@host:port without a virtual host."""
    return broker.amqp_url


@pytest.fixture(scope="session")
def mgmt_url(broker: Broker) -> str:
    """http://user:password@host:port of the management API, without /api."""
    return broker.mgmt_url


def _vhost(broker: Broker) -> Iterator[Vhost]:
    user = urlsplit(broker.amqp_url).username or "guest"
    with fresh_vhost(broker.amqp_url, broker.mgmt_url, user) as made:
        yield made


@pytest.fixture
def vhost(broker: Broker) -> Iterator[Vhost]:
    """A fresh virtual host for one test."""
    yield from _vhost(broker)


@pytest.fixture(scope="module")
def module_vhost(broker: Broker) -> Iterator[Vhost]:
    """A fresh virtual host for the tests of one module."""
    yield from _vhost(broker)
