"""The division of a share over a tier's pods, so that the sum over the fleet holds while pods and parts change.

A pod runs by the configuration that it has loaded, and may load any newer one at any moment. So a part is given only
when nobody can use it any more: a pod loses before another gains. In the sum each pod counts with the most that it may
have: the largest part it may still run by, the orders that it has in flight, and the part that is written now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

BEYOND_RATE = 0.5
"""Seconds of a rate by which it may be exceeded as orders begin after a pause."""
FOUND_RATE = 5.0
"""Orders a second of each pod, of a rate that was found: who answers 429 bears no two pods' orders at one moment."""
LONGEST_TOKEN = 600.0
"""Seconds after which a pod has a token at the latest. RabbitMQ takes back what is unacked for half an hour."""


@dataclass(frozen=True, slots=True)
class Written:
    """The parts of one own queue in one generation of the configuration."""

    generation: int
    parts: Mapping[str, int] = field(default_factory=dict)


def most_pods(rate: float | None, burst: int, *, found: bool = False) -> int | None:
    """The most pods that may work a queue of this rate, None for any number; ``found`` says that it is no given limit.

    Each has a token ready after a pause, so that many pods would begin many orders at once at a low rate.
    """
    if rate is None:
        return None
    if found:
        return max(1, int(rate / FOUND_RATE))
    return max(1, int(min(burst + BEYOND_RATE * rate, LONGEST_TOKEN * rate)))


def wanted_parts(share: int, queue: str, pods: Sequence[str], most: int | None = None) -> dict[str, int]:
    """Divide a share over so many of the pods at most, which are others for each queue.

    What is left over goes to other pods for each queue, and to the same ones as pods come and go.
    """
    if not pods:
        return {}
    in_turn = sorted(pods, key=lambda pod: sha256(f"{queue}\0{pod}".encode()).digest())[:most]
    each, left = divmod(max(0, share), len(in_turn))
    parts = {pod: each + (place < left) for place, pod in enumerate(in_turn)}
    return {pod: parts.get(pod, 0) for pod in pods}


def parts_to_write(
    share: int,
    queue: str,
    loaded: Mapping[str, int | None],
    written: Sequence[Written],
    running: Mapping[str, int] | None = None,
    over: int | None = None,
    among: Collection[str] | None = None,
) -> dict[str, int]:
    """The parts to write now, by pod; ``over`` so many pods at most, and of these pods alone (``among``).

    ``loaded`` has every live pod with the generation that it runs by, None for one that has not said it; a pod that is
    ending is live until its orders are over. ``written`` are the parts in each generation that a live pod may still run
    by (see ``may_run``). ``running`` are the merchant's orders in flight by pod.
    """
    pods = sorted(loaded) if among is None else sorted(pod for pod in loaded if pod in among)
    wanted = {**dict.fromkeys(loaded, 0), **wanted_parts(share, queue, pods, over)}
    most = {pod: _most(pod, generation, written, running or {}) for pod, generation in loaded.items()}
    parts = {pod: min(wanted[pod], most[pod]) for pod in loaded}
    room = max(0, share) - sum(most.values())
    for pod in sorted(loaded, key=lambda pod: (most[pod] - wanted[pod], pod)):
        more = min(wanted[pod] - most[pod], room)
        if more > 0:
            parts[pod] = most[pod] + more
            room -= more
    return parts


def may_run(written: Sequence[Written], loaded: Mapping[str, int | None]) -> tuple[Written, ...]:
    """The generations that are still of interest: the newest, and any from the oldest one that a live pod runs by."""
    if not written:
        return ()
    newest = max(each.generation for each in written)
    known = [newest if generation is None else generation for generation in loaded.values()]
    if None in loaded.values():
        known.append(min(each.generation for each in written))
    oldest = min((*known, newest))
    # A pod that runs by a generation in which nothing was written of this queue runs by the one before it.
    before = [each.generation for each in written if each.generation <= oldest]
    return tuple(each for each in written if each.generation >= max(before, default=oldest))


def _most(pod: str, generation: int | None, written: Sequence[Written], running: Mapping[str, int]) -> int:
    before = [each.generation for each in written if generation is not None and each.generation <= generation]
    oldest = max(before, default=0)
    parts = [each.parts.get(pod, 0) for each in written if each.generation >= oldest]
    return max([running.get(pod, 0), *parts])


def still_running(
    loaded: Mapping[str, int | None],
    written: Sequence[Written],
    running: Mapping[str, int] | None = None,
    *,
    load_newer: bool = True,
) -> int:
    """The most orders that these pods may have in flight; no part of theirs is written any more. Without
    ``load_newer`` they go on by what they run by now.
    """
    return sum(
        _most(
            pod,
            generation,
            written if load_newer else [each for each in written if each.generation <= (generation or 0)],
            running or {},
        )
        for pod, generation in loaded.items()
    )
