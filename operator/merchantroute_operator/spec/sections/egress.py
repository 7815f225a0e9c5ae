"""Parses ``spec.egress``: which addresses workers call beside public ones, or do not call.

Workers judge each address when they connect to it. What they could not read would keep a whole configuration from them,
so it is refused here.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Egress, Raw

_NUMBERS = re.compile(r"[0-9.*]*[0-9][0-9.*]*")  # what looks like an address, and would be taken for a name


def parse_egress(raw: Raw) -> Egress:
    """``spec.egress``; ``SpecInvalid`` names the field, the value and the remedy."""
    return Egress(
        allow=tuple(_host(entry, "spec.egress.allow") for entry in raw.get("allow") or ()),
        deny=tuple(_host(entry, "spec.egress.deny") for entry in raw.get("deny") or ()),
        insecure_hosts=tuple(entry.lower().rstrip(".") for entry in raw.get("insecureHosts") or ()),
    )


def _host(entry: str, field: str) -> str:
    """A range, an address, or a pattern of host names, in lower case."""
    if "/" not in entry and ":" not in entry and not _NUMBERS.fullmatch(entry):
        return entry.lower().rstrip(".")
    try:
        return _network(entry)
    except ValueError as error:
        raise SpecInvalid(
            f"{field}: '{entry}' is no range of addresses ({error}); write one such as 10.20.0.0/16 or fd00:20::/32, "
            "one address, or a pattern of host names such as *.pos.svc"
        ) from None


def _network(text: str) -> str:
    if "%" in text:
        raise ValueError("an interface's name is no part of an address")
    return str(ip_network(text)) if "/" in text else str(ip_address(text))
