"""Finds conflicts: objects under our names with another owner, and queues with other arguments.

The broker accepts a declaration with another owner mark silently, so this is compared before anything is declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import OWNER, Arguments, Exchange, Queue, Topology
from merchantroute_operator.topology.queries import owner_of


def conflicts(desired: Topology, observed: Topology, owner: str) -> tuple[str, ...]:
    """One sentence per object that we may not use as it is, with what to do about it."""
    return (
        *_foreign("exchange", desired.exchanges, observed.exchanges, owner),
        *_foreign("queue", desired.queues, observed.queues, owner),
    )


def _foreign(
    word: str,
    desired: Mapping[str, Exchange] | Mapping[str, Queue],
    observed: Mapping[str, Exchange] | Mapping[str, Queue],
    owner: str,
) -> Iterator[str]:
    for name in sorted(desired.keys() & observed.keys()):
        want, have = desired[name], observed[name]
        if (found := owner_of(have)) != owner:
            whose = f"belongs to {found}" if found else "was made by somebody else (it has no owner mark)"
            yield f"{word} {name} {whose}: delete it, or rename this route{_adoption(found, owner)}"
        elif isinstance(want, Queue) and (wrong := _differences(want.arguments, have.arguments)):
            rename = "" if naming.is_own_queue(name) else "rename its tier, or "
            yield (
                f"{word} {name} has other arguments ({wrong}), which the broker cannot change: {rename}"
                "move its orders away and delete it (docs/operations.md says how)"
            )


def _adoption(found: str, owner: str) -> str:
    """What to write where the same route of another cluster left it."""
    cluster, _, place = found.partition("/")
    if not cluster or place != "/".join(naming.place(owner)):
        return ""
    return (
        ", or, if that cluster's operator is gone for good, adopt it: kubectl annotate mr "
        f"{place.partition('/')[2]} -n {place.partition('/')[0]} {naming.ANNOTATION_ADOPT}={cluster}"
    )


def _differences(want: Arguments, have: Arguments) -> str:
    keys = sorted((want.keys() | have.keys()) - {OWNER})
    return ", ".join(
        f"{key} is {have.get(key, 'unset')}, not {want.get(key, 'unset')}"
        for key in keys
        if want.get(key) != have.get(key)
    )
