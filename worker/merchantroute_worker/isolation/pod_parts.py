"""What one pod may do of orders in flight and of a rate that are divided over the pods of a tier. Pure."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

LONGEST_TOKEN = 600.0
"""Seconds until a pod that is not named has a token, at most: RabbitMQ takes back what is unacked for half an hour."""


class Part(NamedTuple):
    """`part` orders in flight, and `rate` orders a second with `burst` at once (None for no limit)."""

    part: int
    rate: float | None = None
    burst: float = 1.0


class GroupPart(NamedTuple):
    """What one pod may do for all merchants of a group with limits together: see `Part`."""

    name: str
    part: int
    rate: float | None = None
    burst: float = 1.0


def part_for(
    pod: str,
    pods: Collection[str],
    parts: Mapping[str, int],
    rate: float | None,
    burst: int,
    *,
    operator_away: bool = False,
) -> Part:
    """Give the pod's part: nothing in flight unless it is named in `pods`, and its fraction of the rate.

    While the operator is away nobody names a new pod, so that one takes one order in flight: pods that replace all of
    those that are named must not leave the orders to nobody. Where no pod has a part, such a pod has none.
    """
    if operator_away and pod not in pods and parts:
        return _part_of_unnamed(pods, parts, rate, burst)
    part = parts.get(pod, 0)
    if rate is None or not part:
        return Part(part)
    fraction = part / sum(parts.values())
    return Part(part, rate * fraction, max(1.0, burst * fraction))


def _part_of_unnamed(pods: Collection[str], parts: Mapping[str, int], rate: float | None, burst: int) -> Part:
    if rate is None:
        return Part(1)
    least = rate * min(parts.values()) / sum(parts.values())
    mine = min(least, max(rate / len(pods), 1 / LONGEST_TOKEN))
    return Part(1, mine, max(1.0, burst * mine / rate))
