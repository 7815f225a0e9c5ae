"""What an address is: a host of the internet's, or one that nobody outside may be led to. Pure.

By IANA's registries of special-purpose addresses (RFC 6890), and not by `ipaddress.is_global`, whose answers differ
between versions of Python and which takes multicast for global.
"""

import re
from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Kind(Enum):
    """The kind of an address; the value ends the sentence "it leads to"."""

    PUBLIC = "a public address"
    LOOPBACK = "a loopback address"
    LINK_LOCAL = "a link-local address"
    METADATA = "the address of a cloud's metadata service"
    API_SERVER = "the address of the cluster's API server"
    PRIVATE = "a private address"
    SHARED = "a shared address (RFC 6598)"
    MULTICAST = "a multicast address"
    RESERVED = "a reserved address"
    TUNNEL = "an IPv6 address that stands for an IPv4 one"


OF_A_NETWORK = frozenset({Kind.PRIVATE, Kind.SHARED})
"""Kinds that a network of one's own is made of, so that the name of a host in it may lead there."""
ALONE = frozenset({Kind.METADATA, Kind.API_SERVER})
"""Kinds that give whoever asks more than any merchant may have. They lie within ranges that are others' as well."""

_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, OpenStack, DigitalOcean, Oracle, Hetzner
        "169.254.169.253",  # AWS: the resolver of a VPC
        "169.254.170.2",  # AWS: credentials of ECS tasks
        "169.254.170.23",  # AWS: credentials of EKS pods
        "169.254.42.42",  # Scaleway
        "169.254.0.23",  # Tencent
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure: its host answers every virtual machine here, though the address looks public
        "fd00:ec2::254",  # AWS
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
_KINDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.LOOPBACK, ("127.0.0.0/8", "::1/128")),
    (Kind.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
    (Kind.PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    (Kind.SHARED, ("100.64.0.0/10",)),
    (Kind.MULTICAST, ("224.0.0.0/4", "ff00::/8")),
    (
        Kind.TUNNEL,
        (
            "::ffff:0:0:0/96",  # translated (RFC 2765)
            "64:ff9b:1::/48",  # NAT64 of a network's own (RFC 8215): which IPv4 address it is, only its gateway knows
            "2001::/32",  # Teredo (RFC 4380)
            "2002::/16",  # 6to4 (RFC 3056)
            "::/96",  # compatible (RFC 4291), but for those that are named before
        ),
    ),
    (
        Kind.RESERVED,
        (
            "0.0.0.0/8",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "2001::/23",
            "2001:db8::/32",
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    ),
)
_RANGES = tuple((kind, tuple(ip_network(text) for text in texts)) for kind, texts in _KINDS)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_UNSPECIFIED = ip_address("::")
_UNICAST = ip_network("2000::/3")  # all that IANA gives to regions, so that anything else is reserved
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: its last 32 bits are the IPv4 address that any gateway goes on to
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: what stands before an IPv4 address in the last 64 bits


def literal(text: str) -> Address | None:
    """The address that a text is, without its zone; None for a name."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_odd_literal(host: str) -> bool:
    """Whether a host would be an address to some resolvers and is written as none is: 127.1, 0x7f000001, 0177.0.0.1.

    Resolvers disagree which address it is. No name ends in a number (WHATWG URL, 3.5).
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is not None and literal(host) is None


def api_server(environment: Mapping[str, str]) -> Address | None:
    """The address of the cluster's API server, as every pod's environment has it; None where it is not told."""
    return literal(environment.get("KUBERNETES_SERVICE_HOST") or "")


def meant(address: Address) -> Address:
    """The IPv4 address that packets to an IPv6 address reach for certain (mapped, NAT64), else the address itself.

    A pod of an IPv6 cluster is given all merchants of the other family as NAT64 addresses (RFC 6147).
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def kind_of(address: Address) -> Kind:
    """The kind of the address that is meant."""
    address = meant(address)
    if address in _METADATA:
        return Kind.METADATA
    if address == _UNSPECIFIED:
        return Kind.RESERVED
    for kind, ranges in _RANGES:
        if any(address in each for each in ranges):
            return kind
    if isinstance(address, IPv4Address):
        return Kind.PUBLIC
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return Kind.TUNNEL
    return Kind.PUBLIC if address in _UNICAST else Kind.RESERVED
