"""Which brokers the operator may connect to: the rules of its own configuration, judged address by address.

Whoever may edit a namespace writes the Secret that says where a broker is. Without rules the operator's pod could be
led to any address that it reaches: its node's, the cloud's metadata, the API server, what listens on its loopback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from merchantroute_operator.spec.patterns import matches

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

ADDRESSES = "MR_OPERATOR_BROKER_ADDRESSES"
HOSTS = "MR_OPERATOR_BROKER_HOSTS"
NAMESPACES = "MR_OPERATOR_BROKER_NAMESPACES"
PORTS = "MR_OPERATOR_BROKER_PORTS"
SERVICES, PUBLIC = "services", "public"
OWN = "@own"  # in place of a pattern of namespaces: the one of whichever route is meant
DEFAULT_PORTS = "443, 5671-5672, 15671-15672"  # AMQP and the management API, with TLS and without; https
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that a gateway goes on to
_WIRE_SERVER = ip_address("168.63.129.16")  # Azure's host answers every virtual machine here, though it looks public
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


class Kind(Enum):
    """What an address is before anything is known of the cluster; the value ends the sentence "it leads to"."""

    LISTED = "an address that is allowed"
    REFUSED = "an address that is excluded"
    LOOPBACK = "a loopback address"
    LINK_LOCAL = "a link-local address"
    SPECIAL = "an address that is no host's"
    PRIVATE = "a private address that is no Service's of the cluster"
    PUBLIC = "a public address"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns of names: one of ``only`` must match, none of ``never``."""

    only: tuple[str, ...] = ("*",)
    never: tuple[str, ...] = ()

    def admit(self, name: str) -> bool:
        """Whether ``name``, whatever its case, is one of those meant."""
        return any(matches(each, name.lower()) for each in self.only) and not self.excludes(name)

    def excludes(self, name: str) -> bool:
        """Whether one of ``never`` matches."""
        return any(matches(each, name.lower()) for each in self.never)


@dataclass(frozen=True, slots=True)
class BrokerRules:
    """The rules. The defaults are an installation's that sets none: the cluster's Services, and public addresses.

    ``namespaces`` are those of Services; with ``own`` each route reaches those of its own one beside them.
    """

    namespaces: Patterns = Patterns()
    own: bool = False
    hosts: Patterns = Patterns()
    ports: tuple[tuple[int, int], ...] = ((443, 443), (5671, 5672), (15671, 15672))
    services: bool = True
    public: bool = True
    only: tuple[Network, ...] = ()
    never: tuple[Network, ...] = ()

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> BrokerRules:
        """Read MR_OPERATOR_BROKER_NAMESPACES, _HOSTS, _PORTS and _ADDRESSES: lists with commas; ``!`` excludes.

        What is absent or empty has its default. Raises ``ValueError`` that names the variable, the part and the remedy.
        """
        only, never = _lists(environment.get(ADDRESSES) or "")
        only = only or [SERVICES, PUBLIC]
        words = {word for word in only if word in (SERVICES, PUBLIC)}
        return cls(
            namespaces=_namespaces(environment.get(NAMESPACES)),
            own=OWN in _lists(environment.get(NAMESPACES) or "")[0],
            hosts=_patterns(environment.get(HOSTS)),
            ports=tuple(_range(part) for part in _lists(environment.get(PORTS) or DEFAULT_PORTS)[0]),
            services=SERVICES in words,
            public=PUBLIC in words,
            only=tuple(_network(part) for part in only if part not in words),
            never=tuple(_network(part) for part in never),
        )

    def refuses(self, host: str, port: int) -> str:
        """Why nothing at ``host`` and ``port`` is a broker, wherever the name leads, in words; or nothing."""
        if not any(first <= port <= last for first, last in self.ports):
            return f"its port {port} is not among those of {PORTS}"
        if not self.hosts.admit(host.rstrip(".")):
            return f"its host is not among those of {HOSTS}"
        return ""

    def refuses_namespace(self, namespace: str, of_route: str) -> str:
        """Why a Service of ``namespace`` is no broker of a route in ``of_route``, in words; or nothing."""
        if self.namespaces.admit(namespace):
            return ""
        if not self.own:
            return f"namespace {namespace} is not among those of {NAMESPACES}"
        if namespace == of_route and not self.namespaces.excludes(namespace):
            return ""
        return f"namespace {namespace} is neither the route's own nor among those of {NAMESPACES}"

    def kind(self, address: Address) -> Kind:
        """What ``address`` is. A range that is listed counts for everything in it."""
        meant = embedded(address)
        if any(_within(each, self.never) for each in (address, meant)):
            return Kind.REFUSED
        if _within(meant, self.only):
            return Kind.LISTED
        if meant.is_loopback:
            return Kind.LOOPBACK
        if meant.is_link_local:
            return Kind.LINK_LOCAL
        if meant.is_multicast or meant.is_unspecified or meant.is_reserved or meant == _WIRE_SERVER:
            return Kind.SPECIAL
        return Kind.PUBLIC if meant.is_global else Kind.PRIVATE


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it stands for one; an address without its zone."""
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id:
        address = IPv6Address(int(address))
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def literal(host: str) -> Address | None:
    """The address that ``host`` is, if it is one and no name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def service_of(host: str, own_namespace: str) -> tuple[str, str] | None:
    """Namespace and name of the Service that a name server of the cluster may mean by ``host``.

    ``name`` is one of the operator's own namespace, as its pod's resolver completes it.
    """
    words = host.lower().rstrip(".").split(".")
    if literal(host) is not None or not all(words):
        return None
    if "svc" in words[2:]:
        at = words.index("svc", 2)
        return words[at - 1], words[at - 2]
    return {1: (own_namespace, words[0]), 2: (words[-1], words[0])}.get(len(words))


def _lists(text: str) -> tuple[list[str], list[str]]:
    """The parts of a list, and those with a ``!`` without it."""
    parts = [part for each in text.split(",") if (part := each.strip().lower())]
    return [part for part in parts if part[0] != "!"], [part[1:].strip() for part in parts if part[0] == "!"]


def _patterns(text: str | None) -> Patterns:
    only, never = _lists(text or "*")
    return Patterns(tuple(only) or ("*",), tuple(never))


def _namespaces(text: str | None) -> Patterns:
    only, never = _lists(text or "")
    if wrong := next((part for part in (*only, *never) if part.startswith("@") and part != OWN), ""):
        raise ValueError(f"{NAMESPACES}: {wrong} is no pattern: write names, patterns such as team-*, or {OWN}")
    if OWN in never:
        raise ValueError(f"{NAMESPACES}: {OWN} cannot be excluded: leave it out")
    named = tuple(part for part in only if part != OWN)
    return Patterns(named if OWN in only else named or ("*",), tuple(never))


def _range(part: str) -> tuple[int, int]:
    found = _PORTS.fullmatch(part)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last < 65536:
        raise ValueError(f"{PORTS}: {part} is no port: write numbers from 1 to 65535, or ranges such as 5671-5672")
    return first, last


def _network(part: str) -> Network:
    try:
        return ip_network(part)
    except ValueError:
        raise ValueError(
            f"{ADDRESSES}: {part} is no range: write {SERVICES}, {PUBLIC}, or ranges such as 10.20.0.0/16"
        ) from None


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
