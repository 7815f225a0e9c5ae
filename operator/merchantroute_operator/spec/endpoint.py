"""Where a merchant's API is: reads an endpoint, the URL that steps' paths are added to.

The definitions and the worker hold to the same grammar (docs/merchants.md); this is for what the definitions of another
version let through.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})  # control characters, half surrogate pairs, white space
_FORBIDDEN_ASCII = re.compile(r"[\x00-\x20\x7f\\]")  # those of them that are ASCII, and the backslash
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:]+(?:\.[0-9]+){0,3})\]|([-A-Za-z0-9_.]+))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?")
_HEXADECIMAL = ("0x", "0X")  # what resolvers read as a number at a host's end: 0x7f000001
_KEPT = 2**15  # endpoints; each pass over a route asks for each of its merchants' several times
_LONGEST_HOST = 253  # characters, as DNS has them; a dot at its end does not count


@lru_cache(_KEPT)
def host_and_port(endpoint: str) -> tuple[str, int]:
    """Of ``endpoint``, in lower case and without brackets; the port is its scheme's where it names none.

    Raises ``ValueError`` that says what to write instead, and does not repeat the endpoint: it may hold a password.
    """
    scheme, separator, rest = endpoint.partition("://")
    if not separator or scheme not in _PORTS:
        raise ValueError("begin it with https://")
    if _is_forbidden_in(endpoint):
        raise ValueError("it holds white space, a control character or a backslash: write it percent-encoded")
    if "?" in rest or "#" in rest:
        raise ValueError("it holds a query or a fragment: remove '?' or '#' and what follows")
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise ValueError("it holds a user or password before '@': remove it, and write credentials with a secretRef")
    variables = authority + path.replace("{merchant}", "")
    if "{" in variables or "}" in variables:
        raise ValueError("write no variable but {merchant}, and that only in the path")
    host, port = _parts(authority)
    return host.lower(), port or _PORTS[scheme]


def _is_forbidden_in(endpoint: str) -> bool:
    if endpoint.isascii():
        return _FORBIDDEN_ASCII.search(endpoint) is not None
    return any(char == "\\" or unicodedata.category(char) in _FORBIDDEN for char in endpoint)


def _parts(authority: str) -> tuple[str, int | None]:
    """Host and port of what stands between ``://`` and the path."""
    if not authority.isascii():
        raise ValueError(
            "its host or port is not ASCII: write the host's name in punycode, such as xn--bcher-kva.example"
        )
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError("it is not a URL: write https://host[:port][/path]")
    if found[1]:
        _check_ipv6(found[1])
    else:
        _check_name(found[2])
    port = None if found[3] is None else int(found[3])
    if port is not None and not 0 < port < 65536:
        raise ValueError("its port is out of range: write 1 to 65535")
    return found[1] or found[2], port


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
