"""Whatever pods and broker say over many ticks: shares and limits hold, and what is frozen opens and closes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.decide import Decision
from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.model import (
    GroupFigures,
    MerchantFigures,
    MerchantLimits,
    OwnQueue,
    Policy,
    Waiting,
)
from merchantroute_operator.spec.route import Merchant
from tests.unit.operator.isolation.fleet_samples import EPOCH, TIER, Report, Route

HOST = "pos.vendor.example"
MEMBERS, OTHERS = ("m0", "m1", "m2", "m3"), ("a", "b", "c")
MERCHANTS = [
    *(Merchant(name, TIER, f"https://{HOST}/{name}", None) for name in MEMBERS),
    *(Merchant(name, TIER, f"https://{name}.example/", None) for name in OTHERS),
]
EVERYBODY = {f"x{number}": MerchantFigures(f"x{number}", 1, slow=True) for number in range(8)}
SLOTS = 3 * 50


@dataclass(frozen=True)
class Ticked:
    """What happens until one tick: each pod's report of what is new, what waits, and whether all hosts are slow."""

    reports: list[dict[str, MerchantFigures]]
    waiting: Mapping[str, Waiting]
    well: int
    frozen: bool
    backlog: int


def named(found: dict[str, MerchantFigures]) -> dict[str, MerchantFigures]:
    return {name: replace(each, merchant=name, group=HOST if name in MEMBERS else "") for name, each in found.items()}


FIGURES = st.builds(
    MerchantFigures,
    st.just(""),
    in_flight=st.integers(0, 9),
    slow=st.booleans(),
    refused=st.integers(0, 40),
    succeeded=st.integers(0, 60),
    failed=st.integers(0, 20),
    limited=st.integers(0, 10),
    paused_for=st.sampled_from([0.0, 0.0, 1.0, 30.0, 500.0]),
)
NAMES = st.sampled_from(MEMBERS + OTHERS)
TICKS = st.builds(
    Ticked,
    st.lists(st.dictionaries(NAMES, FIGURES).map(named), min_size=1, max_size=3),
    st.dictionaries(NAMES, st.builds(Waiting, st.integers(0, 50), st.integers(0, 9))),
    st.integers(0, 1),
    st.booleans(),
    st.sampled_from([0, 0, 500]),
)
POLICIES = st.builds(
    Policy,
    pinned=st.sets(st.sampled_from(("m3", "c")), max_size=1).map(frozenset),
    held=st.dictionaries(st.sampled_from(("m2", "b")), st.sampled_from([EPOCH + 1_010.0, EPOCH + 1_030.0]), max_size=1),
    limits=st.dictionaries(
        st.sampled_from(("m1", "a")),
        st.builds(MerchantLimits, max_in_flight=st.sampled_from([1, 5]), max_rate=st.sampled_from([0.5, 8.0])),
    ),
    max_own_queues=st.sampled_from([3, 200]),
)


class Cumulative:
    """Pods' counters, which only grow."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], MerchantFigures] = {}

    def report(self, pod: int, fresh: Report) -> Report:
        """What a pod says after these."""
        for name, each in fresh.items():
            before = self._sums.get((pod, name), MerchantFigures(name))
            self._sums[pod, name] = replace(
                each,
                refused=before.refused + each.refused,
                succeeded=before.succeeded + each.succeeded,
                failed=before.failed + each.failed + each.limited,
                limited=before.limited + each.limited,
            )
        return {name: self._sums[pod, name] for name in fresh}


def holds(route: Route, before: Mapping[str, OwnQueue], decision: Decision) -> None:
    """The promises of one tick."""
    assert route.member_of is not None
    together = {group for _, group in route.memory.groups}
    for name, queue in decision.queues.items():
        limits = route.policy.limits.get(name, MerchantLimits())
        assert queue.share <= min(SLOTS, limits.max_in_flight or SLOTS)
        assert limits.max_rate is None or (queue.rate is not None and queue.rate <= limits.max_rate)
        is_held = queue.why == "Held" and route.policy.held.get(name, 0.0) > EPOCH + route.now
        assert queue.share == 0 if is_held else queue.share > 0 or route.member_of.of(name) in together
        asked = queue.why in {"Held", "Limited", "Pinned"}
        assert decision.frozen is None or name in before or asked, "frozen isolation opens nothing by figures"
        shrinks = queue.share < before[name].share if name in before else False
        may_shrink = is_held or name in route.policy.limits or route.member_of.of(name) in together
        assert decision.frozen is None or not shrinks or may_shrink
    for (_, group), past in route.memory.groups.items():
        members = [each for name, each in decision.queues.items() if route.member_of.of(name) == group]
        assert sum(each.share for each in members if each.why != "Held") <= past.share
    if decision.frozen is not None and route.policy.max_own_queues > len(MERCHANTS):
        assert not [name for name in before if decision.queues[name].stage == "Closing"]


@settings(max_examples=20, deadline=None)
@given(POLICIES, st.lists(TICKS, min_size=3, max_size=25))
def test_shares_and_limits_hold_and_what_is_frozen_stays(policy: Policy, history: list[Ticked]) -> None:
    route, counters = Route(policy), Cumulative()
    route.merchants = {merchant.id: TIER for merchant in MERCHANTS}
    route.member_of = RouteGroups(MERCHANTS, None)
    route.tick({}, {}, {})
    for each in history:
        route.groups, route.waiting = {HOST: GroupFigures(4, 3, each.well)}, dict(each.waiting)
        route.active, route.backlog = 8 if each.frozen else 30, each.backlog
        before, more = dict(route.queues), EVERYBODY if each.frozen else {}
        decision = route.tick(*[{**counters.report(pod, new), **more} for pod, new in enumerate(each.reports)])
        holds(route, before, decision)
