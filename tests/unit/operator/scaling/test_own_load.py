"""What own queues add to their tier's lane: as much as their shares let through."""

from __future__ import annotations

import pytest

from merchantroute_operator.isolation.groups.limited_groups import GroupShare
from merchantroute_operator.scaling.decide import decide
from merchantroute_operator.scaling.model import Memory, Observation
from merchantroute_operator.scaling.own_load import OwnHistory, OwnLoad, remember_own, with_own, within_groups
from merchantroute_operator.spec.route import Scaling
from merchantroute_operator.topology.objects import QueueSample

LANE = Observation(100.0, 0, 0, 0.0, 0.0, 0.0, 0.0, replicas=1, ready_pods=1, fresh=True)
VENDOR = ("standard", "pos.vendor.example")
POLICY = Scaling(0, 20, 30.0, 0.0, 1.0, paused=False)


def load(ready: int, share: int, unacked: int = 0, published: int = 0, rate: float | None = None) -> OwnLoad:
    return OwnLoad("own", QueueSample(ready + unacked, ready, unacked, published, 0), share, rate)


@pytest.mark.parametrize(
    ("ready", "share", "unacked", "queued", "in_flight"),
    [(1000, 1, 1, 1, 1), (3, 10, 0, 3, 0), (1000, 0, 0, 0, 0), (0, 5, 2, 0, 2)],
)
def test_of_what_waits_its_share_counts(ready: int, share: int, unacked: int, queued: int, in_flight: int) -> None:
    seen = with_own(LANE, (load(ready, share, unacked),), OwnHistory(), 1.0, 100.0)
    assert (seen.queued, seen.in_flight) == (queued, in_flight)


@pytest.mark.parametrize(
    ("rate", "ready", "unacked", "queued", "in_flight"),
    [(5.0, 1000, 50, 10, 10), (5.0, 3, 4, 3, 4), (0.01, 1000, 1, 1, 1), (100.0, 1000, 50, 30, 50 - 20)],
)
def test_of_one_with_a_rate_what_the_rate_keeps_in_flight_counts(
    rate: float, ready: int, unacked: int, queued: int, in_flight: int
) -> None:
    seen = with_own(LANE, (load(ready, 30, unacked, rate=rate),), OwnHistory(), 2.0, 100.0)
    assert (seen.queued, seen.in_flight) == (queued, in_flight)


def test_a_pod_stays_while_anything_waits_unless_it_is_held() -> None:
    for share, pods in ((1, 1), (0, 0)):
        seen = with_own(LANE, (load(1000, share),), OwnHistory(), 1.0, 100.0)
        assert decide(seen, POLICY, 20, Memory(asked=((0.0, 0),))).replicas == pods


@pytest.mark.parametrize(("share", "rate", "arriving"), [(100, None, 50.0), (10, None, 20.0), (100, 5.0, 5.0)])
def test_of_what_arrives_counts_what_the_share_or_the_rate_can_work(
    share: int, rate: float | None, arriving: float
) -> None:
    history = OwnHistory()
    for second in range(11):
        history = remember_own(history, (load(0, share, published=50 * second, rate=rate),), float(second))
    seen = with_own(LANE, (load(0, share, rate=rate),), history, 0.5, 10.0)
    assert seen.arrival_rate == pytest.approx(arriving)


def test_what_is_unknown_adds_nothing_and_hides_nothing() -> None:
    seen = with_own(LANE, (OwnLoad("own", None, 5),), OwnHistory(), 1.0, 100.0)
    assert seen == LANE
    assert remember_own(remember_own(OwnHistory(), (load(1, 1),), 1.0), (), 2.0) == OwnHistory()


def test_merchants_of_a_group_with_limits_need_no_more_together_than_the_group() -> None:
    loads = [(load(100, 5, 30), VENDOR), (load(100, 5, 30), VENDOR)]
    alone = load(100, 5, 4)

    first, second, other = within_groups([*loads, (alone, None)], {VENDOR: GroupShare(6)}, 2.0)

    assert [(each.share, each.sample.unacked) for each in (first, second) if each.sample] == [(5, 6), (1, 0)]
    assert other == alone


def test_the_rate_of_a_group_bounds_what_its_merchants_keep_in_flight() -> None:
    loads = [(load(100, 50), VENDOR), (load(100, 50), VENDOR)]

    found = within_groups(loads, {VENDOR: GroupShare(50, rate=2.0)}, 3.0)

    assert [each.share for each in found] == [6, 0]
