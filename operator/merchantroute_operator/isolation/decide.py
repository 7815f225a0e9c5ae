"""Decides at one tick which merchants of a route have an own queue, with which share, and why. Pure.

The caller makes it true in the broker: what is ``Opening`` it declares, tells pods of, binds, and calls ``Open``; what
is ``Closing`` it unbinds, drains, deletes, and leaves out of the ``queues`` that it hands in next. A queue that is
``Closing`` may be ``Opening`` again. Everything else is kept from tick to tick by handing the decision's queues and
memory back in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from merchantroute_operator.isolation import isolation_events as events
from merchantroute_operator.isolation.cases import Case, Tick, candidates, case_of, tier_at
from merchantroute_operator.isolation.closing import LONGEST_HOLD
from merchantroute_operator.isolation.evidence import PodNews, pod_news
from merchantroute_operator.isolation.grounds import rank
from merchantroute_operator.isolation.groups.failing import Key, failing_groups, last_well
from merchantroute_operator.isolation.groups.route_groups import ALONE, Groups
from merchantroute_operator.isolation.groups.sharing import share_out
from merchantroute_operator.isolation.history import Memory, Past, bounded
from merchantroute_operator.isolation.isolation_events import IsolationEvent
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.isolation.next_queue import closed, emptied, next_queue
from merchantroute_operator.isolation.rates.found_rate import LONGEST_PAUSE
from merchantroute_operator.isolation.shares import fair_share, of_a_size


@dataclass(frozen=True, slots=True)
class Decision:
    """The own queues that there should be, by merchant, and what is told.

    ``frozen`` says in words why nothing opens, closes or shrinks by figures, None while it does. ``without_room``
    counts merchants that need a queue and got none. ``would`` are the queues that a dry run would have.
    """

    queues: Mapping[str, OwnQueue]
    events: tuple[IsolationEvent, ...] = ()
    frozen: str | None = None
    without_room: int = 0
    would: Mapping[str, OwnQueue] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose a merchant's orders are: the tier of each, that of those the route does not list, and their groups."""

    tiers: Mapping[str, str]
    default_tier: str | None
    groups: Groups

    def members(self, keys: Iterable[Key]) -> Iterator[str]:
        """The merchants of these groups that the route lists in the tier beside each."""
        for tier, group in sorted(keys):
            yield from (merchant for merchant in self.groups.members(group) if self.tiers.get(merchant) == tier)


def decide(
    now: float,
    wall: float,
    policy: Policy,
    *,
    pods: Mapping[str, Sequence[PodFigures]],
    merchants: Mapping[str, str],
    default_tier: str | None,
    waiting: Mapping[str, Waiting],
    queues: Mapping[str, OwnQueue],
    memory: Memory,
    backlog: Mapping[str, int] | None = None,
    groups: Groups | None = None,
    longest_pause: float = LONGEST_PAUSE,
    workers: Mapping[str, Collection[str]] | None = None,
) -> Decision:
    """The decision at one tick of a whole route.

    ``now`` is monotonic seconds, ``wall`` seconds since the epoch. ``pods`` are each tier's stable pods with their
    newest figures, ``merchants`` the tier of each merchant of the route; orders of others go to ``default_tier``.
    ``waiting`` has the broker's figures of own queues, ``queues`` the own queues that there are, both by merchant.
    ``backlog`` are the orders that are ready in each tier's lane; where that is unknown, no share is lowered for them.
    ``groups`` says which merchants stand or fall together; without it each is alone.
    ``longest_pause`` is how long (seconds) a merchant may ask for time at once. ``workers`` are the pods that have a
    part of a merchant's own queue; where that is not known, all pods of its tier are asked about it.
    """
    pods = {tier: of_a_size(those) for tier, those in pods.items()}
    if policy.mode == "Off":
        return _all_closing(queues, "isolation is off", pods)
    known = memory.pods
    news = {tier: [pod_news(pod, known.get(pod.pod), now, wall) for pod in those] for tier, those in pods.items()}
    wanting = Counter(queue.tier for name, queue in queues.items() if name in waiting and waiting[name].ready)
    lanes = backlog or {}
    tiers = {
        tier: tier_at(tier, those, policy, now, wanting=wanting[tier], backlog=lanes.get(tier, 0))
        for tier, those in news.items()
    }
    tick = Tick(now, wall, policy, tiers, waiting, longest_pause, workers or {})
    whose = Whose(merchants, default_tier, groups or ALONE)
    if policy.mode == "DryRun":
        return _dry_run(tick, news, whose, queues, memory)
    return _decide(tick, news, whose, queues, memory)


def _all_closing(queues: Mapping[str, OwnQueue], words: str, pods: Mapping[str, Sequence[PodFigures]]) -> Decision:
    """Nobody follows the merchants any more, so that each queue is emptied as fast as its merchant may be called."""
    closing = {
        name: replace(
            queue,
            stage="Closing",
            share=max(queue.share, fair_share(name, pods.get(queue.tier, ()))),
            rate=None,
            burst=1,
            paused_until=0.0,
            found=False,
        )
        for name, queue in queues.items()
    }
    told = [event for name, queue in queues.items() for event in events.of_change(queue, closing[name], words)]
    return Decision(closing, tuple(told))


def _dry_run(
    tick: Tick,
    news: Mapping[str, Sequence[PodNews]],
    whose: Whose,
    queues: Mapping[str, OwnQueue],
    memory: Memory,
) -> Decision:
    # Nothing waits in a queue that is not there.
    tick = replace(tick, waiting=dict.fromkeys(memory.would, Waiting(0, 0)), workers={})
    dry = _decide(tick, news, whose, memory.would, memory)
    would = {name: queue for name, queue in dry.queues.items() if queue.stage != "Closing"}
    pods = {tier: at.pods for tier, at in tick.tiers.items()}
    closing = _all_closing(queues, "isolation is a dry run", pods)
    return replace(
        dry,
        queues=closing.queues,
        events=(*closing.events, *(events.of_dry_run(event) for event in dry.events)),
        would=would,
        memory=replace(dry.memory, would=would),
    )


def _decide(
    tick: Tick,
    news: Mapping[str, Sequence[PodNews]],
    whose: Whose,
    queues: Mapping[str, OwnQueue],
    memory: Memory,
) -> Decision:
    well = last_well({tier: at.fleet for tier, at in tick.tiers.items()}, memory.well, tick.now)
    begin = {key for tier, at in tick.tiers.items() for key in failing_groups(tier, at.fleet, well, tick.now)}
    failing = {key for key in (*begin, *memory.groups) if key[1]}
    cases = []
    for merchant, reported in candidates(tick, news, queues, whose.members(failing)):
        queue = queues.get(merchant)
        tier = whose.tiers.get(merchant, whose.default_tier) or reported or (queue and queue.tier)
        if tier:
            group = whose.groups.of(merchant)
            fails = group if (tier, group) in failing else None
            cases.append(case_of(merchant, tier, tick, memory, queue, fails))
    made = _made(cases, tick, there=len(queues))
    shared = share_out(cases, made.queues, made.memory.merchants, tick, begin, whose.groups, memory)
    made = replace(made, queues={**made.queues, **shared.queues})
    frozen = {tier: each.fleet.frozen for tier, each in tick.tiers.items() if each.fleet.frozen}
    told = [*events.of_freezing(frozen, memory.frozen), *shared.events, *made.events]
    if made.without_room and not memory.without_room:
        told.append(events.no_room(made.without_room, tick.policy.max_own_queues))
    remembered = Memory(
        pods={each.pod.pod: each.past for those in news.values() for each in those},
        merchants=bounded(
            _of_interest({**memory.merchants, **made.memory.merchants, **shared.pasts}, made.queues, tick.now)
        ),
        groups=shared.groups,
        well={**well, **dict.fromkeys(shared.well, tick.now)},
        frozen=frozenset(frozen),
        without_room=made.without_room > 0,
    )
    return replace(made, events=tuple(told), frozen="; ".join(frozen.values()) or None, memory=remembered)


def _made(cases: Sequence[Case], tick: Tick, *, there: int) -> Decision:
    """Every merchant's queue: the first by rank get what room there is."""
    queues: dict[str, OwnQueue] = {}
    pasts: dict[str, Past] = {}
    told: list[IsolationEvent] = []
    most, used, without_room = tick.policy.max_own_queues, 0, 0
    for case in sorted(cases, key=lambda case: rank(case.merchant, case.ground, case.queue, frozen=case.frozen)):
        queue, past = next_queue(case, tick)
        words = case.ground.words if case.ground else ""
        if queue is not None and queue.stage != "Closing":
            # Who has to wait until another's queue is gone takes that one's place.
            waits = case.queue is None and there >= most
            if used >= most or waits:
                without_room += case.ground is not None
                queue, past = _without_room(case, tick)
                words = "others need a queue of their own more"
            used += 1
            there += case.queue is None and queue is not None
        elif queue is not None and not words:
            words = events.calm_words(queue, tick.wall)
        if queue is not None:
            queues[case.merchant] = queue
        pasts[case.merchant] = past
        told.extend(events.of_change(case.queue, queue, words))
    return Decision(queues, tuple(told), without_room=without_room, memory=Memory(merchants=pasts))


def _without_room(case: Case, tick: Tick) -> tuple[OwnQueue | None, Past]:
    if case.queue is None:
        return None, case.past
    if case.queue.stage == "Closing":
        return emptied(case, case.queue, tick)
    return closed(case.queue, case.past, tick.now)


def _of_interest(pasts: Mapping[str, Past], queues: Mapping[str, OwnQueue], now: float) -> dict[str, Past]:
    return {
        merchant: past
        for merchant, past in pasts.items()
        if merchant in queues
        or past.refused
        or not past.limiting.is_over(now)
        or (past.closed_at is not None and now - past.closed_at < LONGEST_HOLD)
    }
