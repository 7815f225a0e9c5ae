"""Where a route reaches Services of its own namespace only, nobody comes to them by another namespace's connection."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Any

import pytest

from merchantroute_operator.errors import BrokerNotAllowed
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.spec.broker_rules import BrokerRules
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import StaticCluster

SERVICE = "rabbit.orders.svc"
ADDRESS = BrokerAddress(SERVICE, 5672, "u", "p4ss", "/", f"http://{SERVICE}:15672")
OURS, OURS_TOO, THEIRS = ("orders", "pos"), ("orders", "bar"), ("teams", "pos")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> str:
    """The Service's address, which is what its name leads to; nothing listens there."""

    async def getaddrinfo(loop: Any, host: str, port: int, **_: Any) -> Any:
        del loop
        return [(2, 1, 6, "", ("10.96.3.4" if host == SERVICE else host, port))]

    async def refused(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(asyncio, "open_connection", refused)
    return "10.96.3.4"


def pool(service: str, namespaces: str) -> BrokerPool:
    rules = BrokerRules.from_env({"MR_OPERATOR_BROKER_NAMESPACES": namespaces})
    cluster = StaticCluster({("orders", "rabbit"): {ip_address(service)}})
    return BrokerPool("mr-pulses.c", lambda _: None, Dialer(rules, cluster, "merchantroute-system"))


async def test_a_connection_of_its_namespace_is_not_lent_to_another(service: str) -> None:
    made = pool(service, "@own")
    ours, theirs = await made.use(OURS, ADDRESS), await made.use(THEIRS, ADDRESS)
    assert await made.use(OURS_TOO, ADDRESS) is ours
    assert theirs is not ours
    with pytest.raises(BrokerNotAllowed, match="namespace orders is neither the route's own nor"):
        await theirs.check()

    await made.release(OURS)
    await made.release(THEIRS)
    assert made.known(THEIRS) is None
    assert made.known(OURS_TOO) is ours
    await made.close()


async def test_where_it_is_all_the_same_namespaces_share_it(service: str) -> None:
    made = pool(service, "orders")
    assert await made.use(OURS, ADDRESS) is await made.use(THEIRS, ADDRESS)
    await made.close()
