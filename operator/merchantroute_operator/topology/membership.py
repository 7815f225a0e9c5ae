"""Whether the quorum queues of a route have the members that they should, on a broker of several nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from merchantroute_operator.topology.objects import QueueSample


@dataclass(frozen=True, slots=True)
class Membership:
    """Names of queues, sorted. ``lost`` have no majority of their members online: they take and give nothing.

    ``degraded`` have one, and lack members all the same; ``short`` are kept on fewer nodes than other queues are, as
    those that were made while nodes were away.
    """

    lost: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    nodes: int = 0  # the most members that a queue of the broker has


def membership(queues: Mapping[str, QueueSample], nodes: int) -> Membership:
    """Of ``queues``; ``nodes`` is the most members that a queue of the broker has.

    Of what a reading does not tell nothing is said.
    """
    lost, degraded, short = [], [], []
    for name, sample in sorted(queues.items(), key=lambda each: each[0]):
        if not sample.members or sample.online is None:
            continue
        if 2 * sample.online <= sample.members:
            lost.append(name)
        elif sample.online < sample.members:
            degraded.append(name)
        elif sample.members < nodes:
            short.append(name)
    return Membership(tuple(lost), tuple(degraded), tuple(short), nodes)
