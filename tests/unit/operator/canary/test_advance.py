"""How a canary's share changes: walked, held, aborted, promoted; a table of what was seen and what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.canary.advance import advance
from merchantroute_operator.canary.counting import Counting, count
from merchantroute_operator.canary.pods import fails_by_itself
from merchantroute_operator.canary.progress import Evidence, Phase, Progress, Tally
from merchantroute_operator.canary.status_codec import from_status, parse_annotation, to_status
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Canary
from tests.unit.operator.route_samples import a_route
from tests.unit.operator.status_views import a_pod, waiting

WALK = {"steps": [5, 50, 100], "interval": "1m", "minOrders": 100}
STABLE = Tally(finished=2000, failed=20, busy_seconds=1000.0)  # 1 % fail, half a second each
READY = Evidence(now=1000.0, in_step=100.0, ready=True, unready_for=0.0, stable=STABLE)


def canary(**own: object) -> Canary:
    found = a_route(tiers=[{"name": "standard", "canary": own}]).tier("standard").canary
    assert found is not None
    return found


WALKED = canary(**WALK)
FIRST = Progress("standard", Phase.WALKING, 5, WALKED.plan, since=900.0, step=0)


def step(before: Progress | None, seen: Evidence, of: Canary = WALKED, verb: str | None = None) -> Progress:
    return advance(before, "standard", of, seen, verb)  # type: ignore[arg-type]


def did(finished: int, failed: int = 0, each: float = 0.5, busy: int = 0) -> Evidence:
    return replace(READY, canary=Tally(finished, failed, finished * each), canary_busy=busy)


def test_no_order_goes_to_a_canary_before_it_has_a_ready_pod() -> None:
    waiting = step(None, replace(READY, ready=False))
    assert (waiting.phase, waiting.weight) == (Phase.STARTING, 0)
    assert step(waiting, replace(READY, ready=False, now=5000.0)) is waiting
    begun = step(waiting, READY)
    assert (begun.phase, begun.weight, begun.step) == (Phase.WALKING, 5, 0)
    by_hand = step(None, READY, canary(weight=30))
    assert (by_hand.phase, by_hand.weight) == (Phase.FIXED, 30)


def test_another_weight_takes_over_at_once_also_while_no_pod_is_ready() -> None:
    before = step(None, READY, canary(weight=5))
    after = step(before, replace(READY, ready=False), canary(weight=50))
    assert (after.phase, after.weight) == (Phase.FIXED, 50)


@pytest.mark.parametrize(
    ("seen", "phase", "weight"),
    [
        (did(200), Phase.WALKING, 50),  # long enough and orders enough
        (replace(did(200), in_step=50.0), Phase.WALKING, 5),  # not for the interval
        (did(99), Phase.WALKING, 5),  # too few
        (did(200, failed=4), Phase.WALKING, 50),  # 2 %, the stable lane 1 %
        (did(200, failed=30), Phase.ABORTED, 0),  # 15 %
        (did(200, failed=8), Phase.WALKING, 50),  # 4 % of 200 can be chance where 3 % are allowed
        (did(2000, failed=100), Phase.ABORTED, 0),  # 5 % of 2,000 cannot
        (did(10, failed=10), Phase.WALKING, 5),  # ten attempts are no figure
        (did(20, failed=20), Phase.ABORTED, 0),
        (did(200, each=0.7), Phase.WALKING, 50),
        (did(200, each=0.8), Phase.ABORTED, 0),  # 1.6 times
        (replace(did(0), canary=Tally(0, 0, 100.0), canary_busy=50), Phase.ABORTED, 0),  # hangs: 2 s each and no end
        (replace(did(0), canary=Tally(0, 0, 20.0), canary_busy=50), Phase.WALKING, 5),
        (replace(did(200), unready_for=29.0, failing_for=29.0), Phase.WALKING, 50),
        (replace(did(200), unready_for=30.0, failing_for=30.0), Phase.ABORTED, 0),  # its pods do not stay up
        (replace(did(50), unready_for=59.0), Phase.WALKING, 5),  # a node is drained, an image pulled
        (replace(did(50), unready_for=60.0), Phase.STARTING, 0),  # and that takes long
        (replace(did(200, failed=200), stable=Tally(19, 0, 9.5)), Phase.WALKING, 50),  # nothing to compare with
    ],
)
def test_a_step_is_passed_held_or_the_last(seen: Evidence, phase: Phase, weight: int) -> None:
    after = step(FIRST, seen)
    assert (after.phase, after.weight) == (phase, weight)


def test_a_merchant_that_fails_in_both_lanes_is_no_fault_of_the_canary() -> None:
    bad_day = replace(did(400, failed=160), stable=Tally(4000, 1600, 2000.0))
    assert step(FIRST, bad_day).weight == 50


def test_a_canary_whose_pods_were_away_goes_on_where_it_was() -> None:
    second = replace(FIRST, step=1, weight=50, stable=Tally(900, 9, 450.0))
    away = step(second, replace(READY, ready=False, unready_for=61.0))
    assert (away.phase, away.weight, away.step) == (Phase.STARTING, 0, 1)
    assert from_status({"canaries": to_status([away])}) == {"standard": away}
    assert step(away, replace(READY, ready=False, unready_for=900.0)) is away
    back = step(away, replace(READY, now=2000.0))
    assert (back.phase, back.weight, back.step, back.since) == (Phase.WALKING, 50, 1, 2000.0)
    assert back.stable == second.stable


def test_a_step_remembers_what_stable_had_done_before_it() -> None:
    assert step(FIRST, did(200)).stable == STABLE


RUNS: dict[str, Any] = {"containerStatuses": [{"state": {"running": {}}, "ready": False}]}
STABLE_READY = {"spec": {"replicas": 2}, "status": {"readyReplicas": 1}}


@pytest.mark.parametrize(
    ("pods", "stable", "own"),
    [
        ([], STABLE_READY, False),  # none is there: a node is drained
        ([a_pod(ready=False)], STABLE_READY, False),  # waits for a node, or for its image
        ([a_pod(ready=False, **waiting("ContainerCreating"))], STABLE_READY, False),
        ([a_pod(ready=False, **waiting("ErrImagePull"))], STABLE_READY, False),
        ([a_pod(ready=False, **waiting("CrashLoopBackOff"))], STABLE_READY, True),
        ([a_pod(ready=False, **waiting("CreateContainerConfigError"))], STABLE_READY, True),
        ([a_pod(ready=False, containerStatuses=[{"state": {"terminated": {"exitCode": 1}}}])], STABLE_READY, True),
        ([a_pod(ready=False, **RUNS)], STABLE_READY, True),
        ([a_pod(**RUNS)], STABLE_READY, False),
        # none of the stable lane's becomes ready either: the broker is away
        ([a_pod(ready=False, **RUNS)], {"spec": {"replicas": 2}, "status": {}}, False),
        ([a_pod(ready=False, **RUNS)], {"spec": {"replicas": 0}, "status": {}}, True),
    ],
)
def test_what_keeps_its_pods_from_being_ready_is_its_own_or_not(
    pods: list[dict[str, object]], stable: dict[str, object], own: bool
) -> None:
    assert fails_by_itself(pods, stable) is own


def test_an_abort_gives_the_figures_of_both_lanes() -> None:
    why = step(FIRST, did(200, failed=30)).message
    assert why == (
        "at 5 % of the orders: it fails more than 2.0% above the stable lane: "
        "canary 30 of 200 attempts failed (15.0%), 0.50 s each; stable 20 of 2000 attempts failed (1.0%), 0.50 s each"
    )


def test_the_last_step_is_kept_when_it_is_passed() -> None:
    last = replace(FIRST, weight=100, step=2)
    done = step(last, did(200))
    assert (done.phase, done.weight) == (Phase.COMPLETED, 100)
    assert step(done, did(5000, failed=5000)) is done


def test_an_aborted_canary_stays_so_until_what_is_written_changes() -> None:
    aborted = step(FIRST, READY, verb="abort")
    assert (aborted.phase, aborted.weight) == (Phase.ABORTED, 0)
    assert step(aborted, READY) is aborted
    assert step(aborted, READY, verb="abort") is aborted
    waiting = step(aborted, replace(READY, ready=False), canary(weight=5))
    assert waiting.phase is Phase.STARTING
    assert step(aborted, READY, verb="promote").weight == 100


def test_a_promoted_canary_gets_everything_until_what_is_written_changes() -> None:
    promoted = step(FIRST, READY, verb="promote")
    assert (promoted.phase, promoted.weight) == (Phase.PROMOTED, 100)
    assert step(promoted, did(5000, failed=5000)) is promoted
    assert step(promoted, READY, canary(weight=7)).weight == 7


def test_progress_outlives_the_operator_in_the_status() -> None:
    told = {"canaries": to_status([FIRST])}
    assert from_status(told) == {"standard": FIRST}
    assert from_status({}) == from_status({"canaries": [{"tier": "standard", "phase": "Sleeping"}, {}]}) == {}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("abort:standard", ("abort", "standard")),
        ("promote:standard", ("promote", "standard")),
        ("abort", None),
        ("abort:", None),
        ("stop:standard", None),
        ("", None),
    ],
)
def test_the_annotation_is_a_word_and_a_tier(text: str, meant: tuple[str, str] | None) -> None:
    assert parse_annotation(text) == meant


def pulse(finished: int, *, started: int = 1, retried: int = 0, dead: int = 0) -> Pulse:
    return Pulse("p", "orders", "pos", "standard", "canary", started, 0.0, 1, 3, 1.0, finished, retried, dead)


def test_a_lane_is_counted_from_when_it_is_watched_and_through_restarts() -> None:
    counting = count(Counting(), [pulse(100, retried=50)])
    assert counting.total == Tally()
    assert counting.busy == 3
    counting = count(counting, [pulse(110, retried=51, dead=1)])
    assert (counting.total.finished, counting.total.failed) == (10, 2)
    counting = count(counting, [pulse(4, started=2, dead=4)])
    assert (counting.total.finished, counting.total.failed) == (14, 6)
