"""A route's rules about where its calls may go, and the judgement of one address. Pure.

A merchant's endpoint is its team's to write, and its name leads where whoever runs its name server says at that moment.
So each address is judged when a connection is opened, and the judged one is connected to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from merchantroute_worker.egress.addresses import (
    ALONE,
    OF_A_NETWORK,
    Address,
    Kind,
    Network,
    is_odd_literal,
    kind_of,
    literal,
    meant,
)
from merchantroute_worker.egress.patterns import matches

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
SETTING = "spec.egress.allow"


class ForbiddenAddress(OSError):
    """No address of the host may be connected to; the text says why. Nothing was sent."""


@dataclass(frozen=True)
class Hosts:
    """Ranges of addresses, and patterns of host names."""

    ranges: tuple[Network, ...] = ()
    patterns: tuple[str, ...] = ()

    def hold(self, address: Address) -> bool:
        """Whether the address, or the one that is meant by it, is in one of the ranges."""
        return any(each in network for each in {address, meant(address)} for network in self.ranges)

    def name(self, address: Address) -> bool:
        """Whether the address is listed by itself, and not as one of a range."""
        return any(
            each in network
            for each in {address, meant(address)}
            for network in self.ranges
            if network.prefixlen == network.max_prefixlen
        )

    def match(self, host: str) -> bool:
        """Whether one of the patterns means the host."""
        return any(matches(pattern, host) for pattern in self.patterns)


@dataclass(frozen=True)
class Egress:
    """The rules. Without any, only public addresses are called.

    `allow` admits addresses that are not public: ranges whatever there is in them, patterns only what networks of one's
    own are made of, since whoever runs the name server of a host chooses where its name leads. `deny` comes before it.
    """

    allow: Hosts = Hosts()
    deny: Hosts = Hosts()

    def why_not(self, host: str, address: Address, api_server: Address | None = None) -> str:
        """Why `address`, to which the name `host` leads, may not be connected to, in words; or nothing."""
        if self.deny.hold(address) or self.deny.match(host):
            return "the route denies it (spec.egress.deny)"
        kind = Kind.API_SERVER if meant(address) == api_server else kind_of(address)
        if kind is Kind.PUBLIC:
            return ""
        if kind in ALONE:
            allowed = self.allow.name(address)
        else:
            allowed = self.allow.hold(address) or (kind in OF_A_NETWORK and self.allow.match(host))
        return "" if allowed else f"it leads to {kind.value} ({address}), which the route does not allow ({SETTING})"

    def admitted(self, host: str, resolved: Sequence[Any], api_server: Address | None = None) -> list[Any]:
        """Those of a host's addresses, as getaddrinfo gives them, that may be connected to; at least one.

        ForbiddenAddress where there is none.
        """
        check_spelling(host)
        admitted, refusals = [], []
        for info in resolved:
            address = literal(str(info[4][0]))
            why = "its address is none" if address is None else self.why_not(host, address, api_server)
            if why:
                refusals.append(why)
            else:
                admitted.append(info)
        if refusals and not admitted:
            raise ForbiddenAddress(f"the host may not be called: {refusals[0]}")
        return admitted


def check_spelling(host: str) -> None:
    """Raise ForbiddenAddress for a host that some resolvers take for an address and others for a name."""
    if is_odd_literal(host):
        raise ForbiddenAddress("the host may not be called: it is an address in another spelling than four numbers")


def parse_egress(document: Mapping[str, Any] | None) -> Egress:
    """The rules of the route's file. ValueError names a range that is none.

    An older operator writes none, and routes cannot say what they allow: private addresses are called as before.
    """
    if document is None:
        return Egress(allow=Hosts(ranges=tuple(ip_network(text) for text in _PRIVATE)))
    return Egress(allow=_hosts(document.get("allow", ())), deny=_hosts(document.get("deny", ())))


def _hosts(entries: Sequence[str]) -> Hosts:
    ranges = [entry for entry in entries if "/" in entry or literal(entry) is not None]
    return Hosts(
        ranges=tuple(ip_network(entry) for entry in ranges),
        patterns=tuple(entry for entry in entries if entry not in ranges),
    )
