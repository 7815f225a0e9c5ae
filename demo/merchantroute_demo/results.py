"""What a run came to: the figures of build/demo.json, and the words at its end. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from merchantroute_demo.figures import ratio
from merchantroute_demo.ledger import Evidence, reckon
from merchantroute_demo.pressure import Pressure
from merchantroute_demo.report import Phase, by_phase, figures
from merchantroute_demo.roll import Roll
from merchantroute_demo.verdict import MOST_RATIO, failures
from merchantroute_demo.watcher import Sight

_MEASURED = ("baseline", "hang")


def results(
    roll: Roll, sight: Sight, evidence: Evidence, *, phases: list[Phase], pressure: Pressure, seconds: float
) -> dict[str, Any]:
    """All figures of a run; `failures` is empty if it kept its promises."""
    hung = pressure.merchant
    ledger = reckon(evidence)
    table = by_phase(roll, evidence, phases, hung)
    measured = {phase["name"]: phase for phase in table if phase["name"] in _MEASURED}
    felt = ratio(measured["hang"]["healthy_p99_seconds"], measured["baseline"]["healthy_p99_seconds"])
    found = failures(
        ledger,
        malformed={one.order: one.malformed for one in roll.published.values() if one.malformed},
        hung_orders=roll.orders(merchant=hung),
        ratio=felt,
        control=measured["hang"]["control_p99_ratio"],
        healthy={name: phase["healthy_orders"] for name, phase in measured.items()},
        most_hung=sight.most_hung,
    )
    return {
        **figures(ledger, felt, seconds),
        "control_p99_ratio": measured["hang"]["control_p99_ratio"],
        "phases": table,
        "ledger": ledger.line(),
        "hung": {"merchant": hung, "why_it_matters": str(pressure), "most_hung_at_once": sight.most_hung},
        "retried": sight.retried,
        "published_again": len(evidence.redelivered),
        "failures": found,
    }


def words(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(line, style) of what is printed at the end."""
    yield f"ledger: {results['ledger']}", "bold"
    for phase in results["phases"]:
        if phase["name"] in _MEASURED:
            p50, p99 = (phase[f"healthy_{name}_seconds"] or 0 for name in ("p50", "p99"))
            number, hung = phase["healthy_orders"], results["hung"]["merchant"]
            yield f"{phase['name']}: {number} orders of {hung}'s neighbours, p50 {p50:.3f} s, p99 {p99:.3f} s", ""
    yield f"healthy p99, hang / baseline: {results['healthy_p99_ratio']}", "bold"
    control = results["control_p99_ratio"]
    if control is not None and control < 1 / MOST_RATIO:
        yield f"note: other tiers saw {control:.2f}: the machine was busy during the baseline, so this says little", ""
    for failure in results["failures"]:
        yield f"FAILED {failure}", "bold red"
    if not results["failures"]:
        yield "Nothing lost, nothing doubled, and the neighbours did not notice.", "bold green"
