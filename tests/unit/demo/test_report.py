"""The figures of a run, and its last lines: the ledger, the ratio, and what is wrong with either."""

from typing import Any

from merchantroute_demo.report import control_seconds, healthy_seconds, percentile, ratio, words
from merchantroute_kit.accounting.ledger import Completion
from merchantroute_kit.accounting.observed_orders import ObservedOrders, Published

PHASE = {"healthy_orders": 1000, "healthy_p50_seconds": 0.2, "healthy_p99_seconds": 0.5}
RESULTS: dict[str, Any] = {
    "ledger": "published 1 = done 1",
    "healthy_p99_ratio": 1.01,
    "control_p99_ratio": 1.0,
    "hung": {"merchant": "burger-hut"},
    "phases": [{"name": "baseline", **PHASE}, {"name": "hang", **PHASE}, {"name": "heal", **PHASE}],
    "failures": [],
}


def said(**other: Any) -> str:
    return "\n".join(line for line, _ in words({**RESULTS, **other}))


def test_a_good_run_ends_with_the_ledger_and_the_ratio() -> None:
    text = said()
    assert "ledger: published 1 = done 1" in text
    assert "hang: 1000 orders of burger-hut's neighbours, p50 0.200 s, p99 0.500 s" in text
    assert "healthy p99, hang / baseline: 1.01" in text
    assert "Nothing lost" in text
    assert "note:" not in text


def test_each_failure_is_a_line_and_nothing_is_praised() -> None:
    text = said(failures=["lost: 1, such as r-1"])
    assert "FAILED lost: 1, such as r-1" in text
    assert "Nothing lost" not in text


def test_a_baseline_that_was_disturbed_is_said_to_prove_little() -> None:
    assert "the machine was busy during the baseline" in said(control_p99_ratio=0.25)


def published(*merchants: str) -> ObservedOrders:
    """Orders r-0, r-1, ... of the phase `hang`, for these merchants in turn."""
    made = ObservedOrders(("submit",), {"hung": "a", "near": "a", "far": "ab"})
    for number, merchant in enumerate(merchants):
        made.publish(Published(f"r-{number}", merchant, "hang"))
    return made


def test_the_healthy_are_the_neighbours_of_the_phase() -> None:
    observed = published("hung", "near", "far")
    for number, seconds in enumerate([5.0, 0.25, 9.0]):
        observed.complete(Completion(f"r-{number}", "p", 1, seconds))

    assert healthy_seconds(observed, "hang", "hung") == [0.25]
    assert healthy_seconds(observed, "baseline", "hung") == []
    assert control_seconds(observed, "hang", "hung") == [9.0]  # of the tiers that the hang cannot reach


def test_percentiles_are_by_nearest_rank() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([], 99) is None
    assert percentile([7.0], 99) == 7.0


def test_a_ratio_needs_both_figures() -> None:
    assert (ratio(3.0, 2.0), ratio(None, 2.0), ratio(3.0, None)) == (1.5, None, None)
