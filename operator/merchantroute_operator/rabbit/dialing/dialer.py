"""Opens connections to brokers: resolves a name, judges each address, and connects to a judged one.

A name server may answer differently each time it is asked, so what was judged is what is connected to.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Collection
from ipaddress import ip_address
from typing import Protocol

from aiohttp.abc import AbstractResolver, ResolveResult

from merchantroute_operator.errors import BrokerNotAllowed, KubeForbidden, RouteError
from merchantroute_operator.spec.broker_rules import (
    ADDRESSES,
    Address,
    BrokerRules,
    Kind,
    embedded,
    literal,
    service_of,
)

ONE_OF_SEVERAL = 3.0  # seconds for one address while others are left: one that drops packets must not hide them


class Cluster(Protocol):
    """What the cluster says of addresses. Raises ``KubeError``."""

    async def is_of_service(self, namespace: str, name: str, address: Address) -> bool:
        """Whether ``address`` is the Service's own, or that of a pod behind it where it has none of its own."""

    async def hosts(self) -> Collection[Address]:
        """The addresses of all nodes and of the API server."""


class Dialer:
    """Connects where ``rules`` allow it. ``own_namespace`` is the one in which a bare name is a Service.

    ``of_routes`` is the namespace of the routes for which it connects, where the rules ask for it.
    """

    def __init__(self, rules: BrokerRules, cluster: Cluster, own_namespace: str, of_routes: str = "") -> None:
        self._rules = rules
        self._cluster = cluster
        self._own_namespace = own_namespace
        self.of_routes = of_routes

    def for_routes_of(self, namespace: str) -> Dialer:
        """One for the routes of ``namespace``: the same for all, unless the rules tell namespaces apart."""
        if not self._rules.own:
            return self
        return Dialer(self._rules, self._cluster, self._own_namespace, namespace)

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[str]:
        """The addresses of ``host`` that may be connected to, at least one.

        Raises ``BrokerNotAllowed`` that says which setting would allow it, and ``OSError`` for a name that leads
        nowhere.
        """
        if why := self._rules.refuses(host, port):
            raise _not_allowed(host, port, why)
        allowed, refusals = [], []
        for text in await _addresses(host, port, family):
            if why := await self._why_not(host, text):
                refusals.append(why)
            else:
                allowed.append(text)
        if not allowed:
            raise _not_allowed(host, port, refusals[0] if refusals else "its name has no address")
        return allowed

    async def check(self, host: str, port: int) -> None:
        """Judge what is known before a name is looked up. Raises ``BrokerNotAllowed``."""
        if literal(host) is not None:
            await self.resolve(host, port)
        elif why := self._rules.refuses(host, port):
            raise _not_allowed(host, port, why)

    async def connect(
        self, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first address that takes one. Raises as ``resolve``, and ``OSError`` where none does."""
        addresses = await self.resolve(host, port)
        name = host if tls is not None else None
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(ONE_OF_SEVERAL):
                    return await asyncio.open_connection(address, port, ssl=tls, server_hostname=name)
            except OSError:  # a time-out is one
                continue
        return await asyncio.open_connection(addresses[-1], port, ssl=tls, server_hostname=name)

    async def _why_not(self, host: str, text: str) -> str:
        """Why the address is none to connect to, in words; or nothing."""
        address = ip_address(text)
        kind = self._rules.kind(address)
        if kind is Kind.LISTED:
            return ""
        if kind not in (Kind.PRIVATE, Kind.PUBLIC):
            return f"it leads to {kind.value}"
        try:
            if kind is Kind.PUBLIC:
                return await self._why_not_public(host, address)
            why = await self._why_no_service(host, address)
        except RouteError as error:
            return f"it could not be judged: {error}"
        return f"it leads to {kind.value}" if why is None else why

    async def _why_no_service(self, host: str, address: Address) -> str | None:
        """Nothing for an allowed Service's address; None for one that is no Service's."""
        service = service_of(host, self._own_namespace)
        if service is None or not await self._cluster.is_of_service(*service, address):
            return None
        if not self._rules.services:
            return "it is a Service of the cluster"
        return self._rules.refuses_namespace(service[0], self.of_routes)

    async def _why_not_public(self, host: str, address: Address) -> str:
        """A name of two parts may be the internet's, where an operator with Roles cannot ask for a Service."""
        with contextlib.suppress(KubeForbidden):
            if (why := await self._why_no_service(host, address)) is not None:
                return why
        if not self._rules.public:
            return f"it leads to {Kind.PUBLIC.value}"
        if embedded(address) in await self._cluster.hosts():
            return "it leads to an address of a node or of the API server"
        return ""


async def _addresses(host: str, port: int, family: int) -> Collection[str]:
    """All of ``host``, each once. An address in full is its own, and needs no thread that looks it up."""
    if (address := literal(host)) is not None:
        return [str(address)]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, family=socket.AddressFamily(family), type=socket.SOCK_STREAM)
    return dict.fromkeys(str(info[4][0]) for info in found)


class JudgedResolver(AbstractResolver):
    """aiohttp's resolver: gives only what the dialer allows. It is not asked where a URL holds an address."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See ``Dialer.resolve``."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._dialer.resolve(host, port, family)
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _not_allowed(host: str, port: int, why: str) -> BrokerNotAllowed:
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    setting = "" if "MR_OPERATOR_" in why else f" ({ADDRESSES})"
    return BrokerNotAllowed(
        f"{shown} may not be connected to by the operator's configuration{setting}: {why}. Name a Service of the "
        "cluster, as name.namespace.svc, or ask who runs the operator"
    )
