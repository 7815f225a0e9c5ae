"""Whose figures are believed, and which merchants are slow by them.

A pod in which most merchants are slow at once has a bad network itself, so it convicts nobody. If that holds for every
pod that can be judged, and for two where two have calls, our own way out fails: then nothing is decided until it has
passed. Merchants of one group count
as one there. And one pod of several is no witness alone: a merchant is slow when a quarter of the pods say so, two at
least where there are two. Of answers 429 a pod counts for one more than the pod that heard most beside it, of
refused orders for twice as many, and for a pause the second longest counts: what no other pod has seen is that pod's
own trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import ceil

from merchantroute_operator.isolation.evidence import News, PodNews
from merchantroute_operator.isolation.groups.unrelated import Unrelated, unrelated

JUDGED_FROM = 4
"""Active groups from which on a pod can be judged: with fewer, most of them slow may be chance."""
WITNESSES = 0.25
"""The share of pods that must find a merchant slow."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A tier's pods whose figures are believed; ``frozen`` says in words why none is, None where some are."""

    believed: tuple[PodNews, ...]
    frozen: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One merchant over the believed pods of its tier, since the last tick.

    ``refused`` are those of pods in which it is not slow, ``failed`` those that it did not answer with 429, ``limited``
    the others. It asked for time until ``asks_until`` (monotonic, 0 where it did not). ``slow_in`` pods of ``pods``
    find it slow.
    """

    succeeded: int = 0
    failed: int = 0
    refused: int = 0
    in_flight: int = 0
    slow_in: int = 0
    pods: int = 0
    slow: bool = False
    limited: int = 0
    asks_until: float = 0.0


NOTHING = Figures()


def believe(tier: str, pods: Sequence[PodNews], max_tripped_share: float) -> Fleet:
    """The pods that are believed."""
    counted = [(each, unrelated(each)) for each in pods]
    judged = [(each, groups) for each, groups in counted if groups.active >= JUDGED_FROM]
    tripped = [(each, groups) for each, groups in judged if groups.slow > max_tripped_share * groups.active]
    # Quiet pods cannot be judged, and say all the same whether the busy one is alone with it.
    with_calls = [groups for _, groups in counted if groups.active]
    saying = sum(groups.slow > max_tripped_share * groups.active for groups in with_calls)
    if tripped and len(tripped) == len(judged) and saying >= min(2, len(with_calls)):
        each, groups = max(tripped, key=lambda item: (item[1].slow, item[1].active))
        words = (
            f"Tier {tier}: {_in_words(each, groups)} are slow at once{_in_all(len(tripped))}, so the way out of the "
            f"cluster seems to fail. No merchant is isolated or released"
        )
        return Fleet((), words)
    disbelieved = {id(each) for each, _ in tripped}
    return Fleet(tuple(each for each in pods if id(each) not in disbelieved))


def figures(merchant: str, fleet: Fleet, *, isolated: bool, workers: Collection[str] = ()) -> Figures:
    """The merchant's sums, and the verdict. Of an ``isolated`` one only pods that work its orders are witnesses: the
    ``workers``, where it is known who has a part of its queue.
    """
    pods = [each for each in fleet.believed if each.pod.pod in workers] if workers else fleet.believed
    heard = [news for each in pods if (news := each.merchants.get(merchant)) is not None]
    if not heard:
        return NOTHING
    slow_in = sum(news.slow for news in heard)
    witnesses = sum(news.slow or news.in_flight > 0 for news in heard) if isolated else len(fleet.believed)
    return Figures(
        succeeded=sum(news.succeeded for news in heard),
        failed=sum(news.failed - news.limited for news in heard),
        refused=_refused([news for news in heard if not news.slow], alone=len(pods) == 1),
        in_flight=sum(news.in_flight for news in heard),
        slow_in=slow_in,
        pods=witnesses,
        slow=0 < witnesses_needed(witnesses) <= slow_in,
        limited=_answered_429(heard, alone=len(pods) == 1),
        asks_until=_asks_until(heard, alone=len(pods) == 1),
    )


def _answered_429(heard: Sequence[News], *, alone: bool) -> int:
    """The answers 429 since the last tick that count: of one pod, one more than of any other within the last minute."""
    return _new([(news.limited, news.limited_lately) for news in heard], _one_more, alone=alone)


def _refused(heard: Sequence[News], *, alone: bool) -> int:
    """The orders refused since the last tick that count: of one pod, twice as many as of any other lately."""
    return _new([(news.refused, news.refused_lately) for news in heard], _twice, alone=alone)


def _new(by_pod: Sequence[tuple[int, int]], most: Callable[[int], int], *, alone: bool) -> int:
    """By how much what counts has grown, of what each pod has counted since the last tick, and lately in all."""
    if alone:
        return sum(new for new, _ in by_pod)
    return _counted([lately for _, lately in by_pod], most) - _counted([lately - new for new, lately in by_pod], most)


def _counted(by_pod: Sequence[int], most: Callable[[int], int]) -> int:
    """The sum, in which the largest one is ``most`` of the second at most."""
    second, first = ([0, 0, *sorted(by_pod)])[-2:]
    return sum(by_pod) - max(0, first - most(second))


def _one_more(second: int) -> int:
    return second + 1


def _twice(second: int) -> int:
    return 2 * second


def _asks_until(heard: Sequence[News], *, alone: bool) -> float:
    """Until when it asked for time, by a call since the last tick, and by what another pod has heard as well."""
    latest = max(news.asks_until for news in heard)
    if alone or not latest:
        return latest
    return ([0.0, *sorted(news.asked_until for news in heard)])[-2]


def witnesses_needed(witnesses: int) -> int:
    """How many of so many pods must find a merchant slow, or a group."""
    return max(min(2, witnesses), ceil(witnesses * WITNESSES))


def _in_words(each: PodNews, groups: Unrelated) -> str:
    if groups.active >= each.pod.active:
        return f"{groups.slow:.0f} of {groups.active} active merchants"
    return f"{groups.slow:.1f} of {groups.active} groups of merchants, each by the part of it that is slow,"


def _in_all(count: int) -> str:
    return "" if count == 1 else f" in each of {count} pods"


__all__ = ["NOTHING", "Figures", "Fleet", "News", "believe", "figures", "witnesses_needed"]
