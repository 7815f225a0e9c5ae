"""Which group a merchant of a route is in, and who else is: what is written, else the host of its endpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from merchantroute_operator.spec.route import Merchant


class Groups(Protocol):
    """The groups of a route's merchants."""

    def of(self, merchant: str) -> str:
        """The merchant's group, empty where it is in none."""

    def members(self, group: str) -> Sequence[str]:
        """The merchants that the route lists in the group."""


class RouteGroups:
    """The groups of the merchants that a route lists; all others are at its default endpoint."""

    def __init__(self, merchants: Sequence[Merchant], default_endpoint: str | None) -> None:
        self._merchants = merchants
        self._default = "" if default_endpoint is None else host_of(default_endpoint)

    def of(self, merchant: str) -> str:
        """The merchant's group, empty where it is in none."""
        return self._by_merchant.get(merchant, self._default)

    def members(self, group: str) -> Sequence[str]:
        """The merchants that the route lists in the group."""
        return self._by_group.get(group, ())

    @cached_property
    def _by_merchant(self) -> Mapping[str, str]:
        return {merchant.id: merchant.group or host_of(merchant.endpoint) for merchant in self._merchants}

    @cached_property
    def _by_group(self) -> Mapping[str, Sequence[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for merchant, group in self._by_merchant.items():
            found[group].append(merchant)
        return found


ALONE = RouteGroups((), None)
"""Every merchant is in no group."""


def host_of(endpoint: str) -> str:
    """The endpoint's host in lower case, without its port, an IPv6 address's brackets and a dot at its end.

    It reads what ``spec.endpoint`` has found to be an endpoint, and is asked for all merchants of a route at once.
    """
    authority = endpoint.partition("://")[2].partition("/")[0]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.lower().removesuffix(".")
