"""Dialers of tests: the operator's configuration as an installation sets it whose brokers listen on loopback."""

from __future__ import annotations

from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.spec.broker_rules import Address, BrokerRules

ON_LOOPBACK = {"MR_OPERATOR_BROKER_ADDRESSES": "127.0.0.0/8, ::1/128, public", "MR_OPERATOR_BROKER_PORTS": "1-65535"}


class StaticCluster:
    """A cluster with these Services (namespace, name) and these addresses of nodes."""

    def __init__(self, services: dict[tuple[str, str], set[Address]], hosts: frozenset[Address] = frozenset()) -> None:
        self.services = services
        self._hosts = hosts

    async def is_of_service(self, namespace: str, name: str, address: Address) -> bool:
        """Whether the Service has this address."""
        return address in self.services.get((namespace, name), ())

    async def hosts(self) -> frozenset[Address]:
        """The nodes'."""
        return self._hosts


def loopback() -> Dialer:
    """What every test with a broker of its own dials with."""
    return Dialer(BrokerRules.from_env(ON_LOOPBACK), StaticCluster({}), "merchantroute-system")
