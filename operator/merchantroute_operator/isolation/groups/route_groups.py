"""Which group a merchant of a route is in, and who else is: what is written, else the host of its endpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from merchantroute_operator.spec.route import Merchant
from merchantroute_operator.spec.sections.merchant_groups import group_of, host_of


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
        return {merchant.id: group_of(merchant) for merchant in self._merchants}

    @cached_property
    def _by_group(self) -> Mapping[str, Sequence[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for merchant, group in self._by_merchant.items():
            found[group].append(merchant)
        return found


ALONE = RouteGroups((), None)
"""Every merchant is in no group."""
