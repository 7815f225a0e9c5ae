"""Groups of merchants that stand or fall together: those whose API is at one host. Pure.

The operator counts groups where it asks whether merchants or the pod's own network are in trouble: hundreds of
merchants whose vendor's host hangs are one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

_KEPT = 2**14  # endpoints


class GroupFigures(NamedTuple):
    """How many merchants of one group had calls lately, and how many of them are slow."""

    active: int
    slow: int


@lru_cache(_KEPT)
def host_of(endpoint: str) -> str:
    """Give the endpoint's host in lower case, without its port, an IPv6 address's brackets and a dot at its end."""
    authority = endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.lower().removesuffix(".")


def group_of(merchants: Mapping[str, tuple[str, bool]], default_endpoint: str | None, merchant: str) -> str | None:
    """Give the merchant's group, None where it has no endpoint. `merchants` are those that a route lists."""
    listed = merchants.get(merchant)
    endpoint = listed[0] if listed else default_endpoint
    return None if endpoint is None else host_of(endpoint)


def group_figures(
    active: Mapping[str, bool], group_of: Callable[[str], str | None], most: int
) -> dict[str, GroupFigures]:
    """Count the `active` merchants, each with whether it is slow, by group. Groups of one merchant are left out, and of
    more than `most` groups those with fewest.
    """
    those = [(group, slow) for merchant, slow in active.items() if (group := group_of(merchant)) is not None]
    counts, slow = Counter(group for group, _ in those), Counter(group for group, slow in those if slow)
    return {group: GroupFigures(count, slow[group]) for group, count in counts.most_common(most) if count > 1}
