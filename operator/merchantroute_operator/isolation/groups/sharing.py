"""One share for all merchants of a group that fails: its host has as few orders in flight as one slow merchant has.

Each merchant has its own queue, which keeps its orders in sequence and its backlog apart. How many orders of them all
may be in flight is one number, which grows by the successes of whichever merchants as one slow merchant's does. While
it is less than they would have, they take turns; one that has none waits, as if it were held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from merchantroute_operator.isolation import isolation_events as events
from merchantroute_operator.isolation.cases import Case, Tick
from merchantroute_operator.isolation.closing import UNPROVEN
from merchantroute_operator.isolation.conviction import Figures
from merchantroute_operator.isolation.groups.failing import Key
from merchantroute_operator.isolation.groups.route_groups import Groups
from merchantroute_operator.isolation.history import GroupPast, Memory, Past
from merchantroute_operator.isolation.isolation_events import IsolationEvent
from merchantroute_operator.isolation.model import OwnQueue, Waiting
from merchantroute_operator.isolation.shares import PROBES, QUICK_UP_TO, next_share, slots_of

TURN = 20.0
"""Seconds for which the same merchants of a group are tried: two calls that hang."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What differs for merchants of groups that fail: their queues, and their pasts; and the groups from now on.

    ``well`` are those of which an order succeeded since the last tick: a pod with one active merchant of a group tells
    of none.
    """

    queues: Mapping[str, OwnQueue] = field(default_factory=dict)
    pasts: Mapping[str, Past] = field(default_factory=dict)
    groups: Mapping[Key, GroupPast] = field(default_factory=dict)
    well: frozenset[Key] = frozenset()
    events: tuple[IsolationEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class _Member:
    case: Case
    queue: OwnQueue
    waiting: Waiting

    @property
    def place(self) -> int:
        """Whether its orders are tried first, second or last."""
        return (1 if self.case.figures.slow_in else 0) if self.is_busy else 2

    @property
    def is_busy(self) -> bool:
        return self.waiting.ready > 0 or self.in_flight > 0

    @property
    def in_flight(self) -> int:
        return max(self.waiting.in_flight, self.case.figures.in_flight)


def share_out(
    cases: Sequence[Case],
    queues: Mapping[str, OwnQueue],
    pasts: Mapping[str, Past],
    tick: Tick,
    failing: Collection[Key],
    groups: Groups,
    memory: Memory,
) -> Shared:
    """Bound what the merchants of each group that fails have together, in ``queues`` as each would have them."""
    members: defaultdict[Key, list[_Member]] = defaultdict(list)
    for case in cases:
        queue = queues.get(case.merchant)
        group = groups.of(case.merchant)
        if group and queue is not None and queue.why != "Held":
            waiting = tick.waiting.get(case.merchant, Waiting(0, 0))
            members[case.tier, group].append(_Member(case, queue, waiting))
    changed: dict[str, OwnQueue] = {}
    proven: dict[str, Past] = {}
    kept: dict[Key, GroupPast] = {}
    told: list[IsolationEvent] = []
    for key, those in members.items():
        known = memory.groups.get(key)
        shared = _remembered(those, memory.merchants) if known is None else None
        if known is None and shared is None and key not in failing:
            continue
        past = (shared or GroupPast()) if known is None else _next(known, key in failing, those, tick)
        if known is None and shared is None:
            told.append(events.group_fails(key[1], len(those)))
        if _is_over(past, those, tick):
            told.append(events.group_is_well(key[1], len(those), proven=past.past.proven))
            proven |= {m.case.merchant: replace(pasts[m.case.merchant], proven=True) for m in those}
            continue
        kept[key] = past
        changed |= _divided(past.share, those, tick)
    well = (key for key, those in members.items() if any(member.case.figures.succeeded for member in those))
    return Shared(changed, proven, kept, frozenset(well), tuple(told))


def _remembered(members: Sequence[_Member], known: Collection[str]) -> GroupPast | None:
    """What an operator before this one gave to them together, if it gave none to some: that happens in a group that
    fails alone. Merchants that are ``known`` are not as it left them.
    """
    had = [m.case.queue for m in members if m.case.queue is not None and m.case.merchant not in known]
    if not any(queue.share == 0 and queue.why != "Held" for queue in had):
        return None
    share = max(1, sum(queue.share for queue in had))
    return GroupPast(share, Past(proven=share > 1))


def _next(known: GroupPast, fails: bool, members: Sequence[_Member], tick: Tick) -> GroupPast:
    tier, figures = members[0].case.tier, _sums(members, fails)
    at = tick.tiers.get(tier)
    if at is None or at.fleet.frozen:
        return replace(known, past=replace(known.past, calm_since=None))
    unused = figures.slow_in == 0 and not any(member.is_busy for member in members)
    calm_since = (known.past.calm_since or tick.now) if unused else None
    if not at.pods:
        return replace(known, past=replace(known.past, calm_since=calm_since))
    waiting = Waiting(sum(m.waiting.ready for m in members), sum(m.in_flight for m in members))
    one = OwnQueue("", tier, "Slow", "Open", tick.wall, known.share)
    slots = slots_of(at.pods)
    share = next_share("Slow", figures, one, known.past, fair=slots, waiting=waiting, held=False, pressed=at.pressed)
    # A call that hung until the host was well again fails beside the first successes: that says nothing of its pace.
    threshold = None if share.past.threshold is None else max(share.past.threshold, int(slots * QUICK_UP_TO))
    return GroupPast(share.share, replace(share.past, calm_since=calm_since, threshold=threshold))


def _sums(members: Sequence[_Member], fails: bool) -> Figures:
    """Of all of them. The group is slow while most of those are of which calls were seen, and none succeeds."""
    figures = [member.case.figures for member in members]
    tried = [each for each in figures if each.in_flight or each.succeeded or each.failed]
    slow, succeeded = sum(each.slow_in > 0 for each in tried), sum(each.succeeded for each in figures)
    return Figures(
        succeeded=succeeded,
        failed=sum(each.failed for each in figures),
        in_flight=sum(each.in_flight for each in figures),
        slow_in=slow,
        pods=len(tried),
        slow=fails or (2 * slow > len(tried) and not succeeded),
    )


def _is_over(past: GroupPast, members: Sequence[_Member], tick: Tick) -> bool:
    """Whether the merchants need no common share any more: it is all that they would have, or all that there is."""
    at = tick.tiers.get(members[0].case.tier)
    if past.past.proven:
        if at is None or at.fleet.frozen or not at.pods:
            return False
        would = sum(member.queue.share for member in members if member.is_busy)
        return past.share >= min(would, slots_of(at.pods))
    return past.past.calm_since is not None and tick.now - past.past.calm_since >= UNPROVEN


def _divided(share: int, members: Sequence[_Member], tick: Tick) -> dict[str, OwnQueue]:
    """One order for each in turn, then one more for each that may have more: first those that have orders, and of
    these those that are not seen to be slow.
    """
    turn = int(tick.wall // TURN)
    in_turn = sorted(members, key=lambda member: _place(turn, member.case.merchant))
    parts = dict.fromkeys((member.case.merchant for member in members), 0)
    left = share
    for place in (0, 1, 2):
        those = [member for member in in_turn if member.place == place]
        while left and (more := [m for m in those if parts[m.case.merchant] < m.queue.share]):
            for member in more[:left]:
                parts[member.case.merchant] += 1
            left -= len(more[:left])
    return {m.case.merchant: _with_part(m.queue, parts[m.case.merchant], probed=share == 1) for m in members}


def _with_part(queue: OwnQueue, part: int, *, probed: bool) -> OwnQueue:
    if not probed:
        return replace(queue, share=part)
    return replace(queue, share=part, rate=PROBES if queue.rate is None else min(PROBES, queue.rate), burst=1)


def _place(turn: int, merchant: str) -> bytes:
    return sha256(f"{turn}\0{merchant}".encode()).digest()
