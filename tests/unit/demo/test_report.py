"""The last lines of a run: the ledger, the ratio, and what is wrong with either."""

from typing import Any

from merchantroute_demo.report import words

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
