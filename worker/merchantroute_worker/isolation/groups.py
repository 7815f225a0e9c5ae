"""Groups of merchants that stand or fall together: those whose API is at one host, unless the route says more. Pure.

The operator counts groups where it asks whether merchants or the pod's own network are in trouble: hundreds of
merchants whose vendor's host hangs are one.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from heapq import nlargest
from typing import Any, NamedTuple, Protocol

_KEPT = 2**14  # endpoints


class GroupFigures(NamedTuple):
    """How many merchants of one group had calls lately, how many of them are slow, and of how many one succeeded just
    now.
    """

    active: int
    slow: int
    well: int


@lru_cache(_KEPT)
def host_of(endpoint: str) -> str:
    """Give the endpoint's host in lower case, without its port, an IPv6 address's brackets and a dot at its end."""
    authority = endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.lower().removesuffix(".")


def written_groups(documents: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give the groups that the documents of a route's merchants have, by merchant. What is no name is none."""
    return {
        merchant: group
        for document in documents
        for merchant, entry in document["merchants"].items()
        if isinstance(entry, dict) and isinstance(group := entry.get("group"), str) and group
    }


class Grouped(Protocol):
    """What a route says of its merchants' groups: those that are written, and the endpoints of the others."""

    @property
    def groups(self) -> Mapping[str, str]:
        """Merchant -> group, of those for which one is written."""

    @property
    def merchants(self) -> Mapping[str, tuple[str, bool]]:
        """Merchant -> endpoint, and whether it has credentials, of those that are listed."""

    @property
    def default_endpoint(self) -> str | None:
        """The endpoint of all others."""


def group_of(route: Grouped, merchant: str) -> str | None:
    """Give the merchant's group, None where it has no endpoint."""
    if route.groups and (written := route.groups.get(merchant)) is not None:
        return written
    listed = route.merchants.get(merchant)
    endpoint = listed[0] if listed else route.default_endpoint
    return None if endpoint is None else host_of(endpoint)


def group_figures(
    active: Mapping[str, tuple[bool, bool]], group_of: Callable[[str], str | None], most: int
) -> dict[str, GroupFigures]:
    """Count the `active` merchants by group, each of which may be slow, and well. Groups of one merchant are left out,
    and of more than `most` groups those with fewest.
    """
    counts: dict[str, list[int]] = {}
    for merchant, (slow, well) in active.items():  # thousands of them, every two seconds
        group = group_of(merchant)
        if group is not None:
            of_group = counts.get(group)
            if of_group is None:
                counts[group] = of_group = [0, 0, 0]
            of_group[0] += 1
            of_group[1] += slow
            of_group[2] += well
    several = ((group, GroupFigures(*of_group)) for group, of_group in counts.items() if of_group[0] > 1)
    return dict(nlargest(most, several, key=lambda item: item[1].active))
