"""Reads an endpoint, the URL of a merchant's API that steps' paths are added to. Pure.

The API server and the operator hold to the same grammar (docs/merchants.md); this is for what they did not see.
"""

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from merchantroute_worker.egress.urls import without_dots

DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})  # control characters, half surrogate pairs, white space
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:]+(?:\.[0-9]+){0,3})\]|([-A-Za-z0-9_.]+))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?")
_HEXADECIMAL = ("0x", "0X")  # what resolvers read as a number at a host's end: 0x7f000001
_LONGEST_HOST = 253  # characters, as DNS has them; a dot at its end does not count


class Endpoint(NamedTuple):
    """The parts of an endpoint. The host is in lower case, an IPv6 address without brackets; a path has no slash at its
    end and no dot segments.
    """

    scheme: str
    host: str
    port: int
    path: str


def read(endpoint: str) -> Endpoint:
    """Read an endpoint of which {merchant} has been replaced. ValueError says what is wrong, without repeating it: it
    may hold a password.
    """
    scheme, _, rest = endpoint.partition("://")
    if scheme not in DEFAULT_PORTS or "://" not in endpoint:
        raise ValueError("begin it with https://")
    if any(char == "\\" or unicodedata.category(char) in _FORBIDDEN for char in endpoint):
        raise ValueError("it holds white space, a control character or a backslash: write it percent-encoded")
    if "?" in rest or "#" in rest:
        raise ValueError("it holds a query or a fragment: remove '?' or '#' and what follows")
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        raise ValueError("it holds a user or password before '@': remove it")
    if "{" in rest or "}" in rest:
        raise ValueError("write no variable but {merchant}, and that only in the path")
    host, port = _host_and_port(authority)
    return Endpoint(scheme, host.lower(), port or DEFAULT_PORTS[scheme], without_dots(slash + path).rstrip("/"))


def _host_and_port(authority: str) -> tuple[str, int | None]:
    """The host without brackets, and the port if it is named."""
    if not authority.isascii():
        raise ValueError(
            "its host or port is not ASCII: write the host's name in punycode, such as xn--bcher-kva.example"
        )
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError("it is not a URL: write https://host[:port][/path]")
    if match[1]:
        _check_ipv6(match[1])
    else:
        _check_name(match[2])
    port = None if match[3] is None else int(match[3])
    if port is not None and not 0 < port < 65536:
        raise ValueError("its port is out of range: write 1 to 65535")
    return match[1] or match[2], port


def _check_ipv6(text: str) -> None:
    try:
        IPv6Address(text)
    except ValueError:
        raise ValueError("what is in its brackets is not an IPv6 address: write one, such as [2001:db8::1]") from None


def _check_name(host: str) -> None:
    name = host.removesuffix(".")
    labels = name.split(".")
    if (
        len(name) > _LONGEST_HOST
        or not all(_LABEL.fullmatch(label) for label in labels)
        or labels[-1].startswith(_HEXADECIMAL)
    ):
        raise ValueError(
            "its host is not a name that DNS can have: write at most 253 characters, between two dots 1 to 63 letters, "
            "digits, '-' or '_', with a letter or digit at both ends, and no 0x at the last one's beginning"
        )
    if labels[-1].isdecimal():  # resolvers read it as an address whatever the number of its parts: 127.1, 2130706433
        _check_ipv4(host)


def _check_ipv4(host: str) -> None:
    try:
        IPv4Address(host)
    except ValueError:
        raise ValueError(
            "its host ends in a number and is not an IPv4 address: write four numbers from 0 to 255 without zeros "
            "before them, such as 10.0.0.1, or a name"
        ) from None
