"""Shops with an outbox, on every library and database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from merchantroute_kit.servers.mariadb import mariadb, pymysql_alone
from merchantroute_kit.servers.postgresql import new_database, postgresql
from merchantroute_kit.servers.vhosts import Vhost
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute
from tests.harness.outbox_shop import Shop

# Each library and each database once.
KINDS = [
    ("sqlalchemy", "postgresql"),
    ("django", "sqlite"),
    pytest.param(("sqlalchemy", "sqlite"), marks=pytest.mark.extended),
    pytest.param(("django", "postgresql"), marks=pytest.mark.extended),
    pytest.param(("sqlalchemy", "mariadb"), marks=pytest.mark.extended),
    pytest.param(("django", "mariadb"), marks=pytest.mark.extended),
]


@pytest.fixture
def place(vhost: Vhost) -> BrokerWithRoute:
    """A broker with the route."""
    made = BrokerWithRoute(vhost)
    made.open_the_route()
    return made


@pytest.fixture(scope="module")
def databases() -> Iterator[Callable[[], str]]:
    """databases() is the URL of a new, empty database; the PostgreSQL that holds them is started for the first."""
    with ExitStack() as stack:
        url = cache(lambda: stack.enter_context(postgresql()))
        yield lambda: new_database(url())


@pytest.fixture(params=KINDS, ids="-".join)
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    place: BrokerWithRoute,
    databases: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """A shop of each kind: library and database."""
    library, kind = request.param
    made = Shop(f"{library}_shop", f"sqlite:///{tmp_path / 'shop.db'}", place.url(), ROUTE)
    if kind == "sqlite":
        made.create()
        yield made
        return
    if kind == "mariadb":
        with mariadb() as url, pymysql_alone() as libraries:
            monkeypatch.syspath_prepend(libraries)
            made = replace(made, database=url, libraries=libraries)
            made.create()
            yield made
        return
    made = replace(made, database=databases())
    made.create()
    yield made
