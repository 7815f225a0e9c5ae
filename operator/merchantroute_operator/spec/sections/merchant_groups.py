"""Which group a merchant is in, with which it stands or falls: what is written, else the host of its endpoint."""

from __future__ import annotations

from merchantroute_operator.spec.route import Merchant


def group_of(merchant: Merchant) -> str:
    """The merchant's group."""
    return merchant.group or host_of(merchant.endpoint)


def host_of(endpoint: str) -> str:
    """The endpoint's host in lower case, without its port, an IPv6 address's brackets and a dot at its end.

    It reads what ``endpoint`` has found to be an endpoint, and is asked for all merchants of a route at once.
    """
    authority = endpoint.partition("://")[2].partition("/")[0]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.lower().removesuffix(".")
