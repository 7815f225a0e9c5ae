"""The report of a run: the figures of build/demo.json, and the words at its end. Pure but for the file."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merchantroute_demo.load import Load
from merchantroute_demo.verdict import MOST_RATIO, failures
from merchantroute_demo.watcher import Snapshot
from merchantroute_kit.accounting.ledger import Evidence, Ledger, reckon
from merchantroute_kit.accounting.observed_orders import ObservedOrders

_MEASURED = ("baseline", "hang")


@dataclass(frozen=True)
class Phase:
    """A phase as it went: how long orders were published, and how much was queued at its end (None: unknown)."""

    name: str
    seconds: float
    queued_at_end: int | None


def results(
    observed: ObservedOrders,
    snapshot: Snapshot,
    evidence: Evidence,
    *,
    phases: list[Phase],
    load: Load,
    seconds: float,
) -> dict[str, Any]:
    """All figures of a run; `failures` is empty if it kept its promises."""
    hung = load.merchant
    ledger = reckon(evidence)
    table = by_phase(observed, evidence, phases, hung)
    measured = {phase["name"]: phase for phase in table if phase["name"] in _MEASURED}
    felt = ratio(measured["hang"]["healthy_p99_seconds"], measured["baseline"]["healthy_p99_seconds"])
    found = failures(
        ledger,
        malformed={one.order: one.malformed for one in observed.published.values() if one.malformed},
        hung_orders=observed.orders(merchant=hung),
        ratio=felt,
        control=measured["hang"]["control_p99_ratio"],
        healthy={name: phase["healthy_orders"] for name, phase in measured.items()},
        most_hung=snapshot.most_hung,
    )
    return {
        **figures(ledger, felt, seconds),
        "control_p99_ratio": measured["hang"]["control_p99_ratio"],
        "phases": table,
        "ledger": ledger.line(),
        "hung": {"merchant": hung, "why_it_matters": str(load), "most_hung_at_once": snapshot.most_hung},
        "retried": snapshot.retried,
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


def figures(ledger: Ledger, p99: float | None, seconds: float) -> dict[str, Any]:
    """The nine figures that the whole run and each of its phases have; `p99` is the ratio to the baseline phase."""
    return {
        "published": len(ledger.published),
        "done": len(ledger.done),
        "dead": len(ledger.dead),
        "queued": ledger.queued,
        "lost": ledger.lost,
        "doubled": len(ledger.doubled),
        "copies": len(ledger.copies),
        "healthy_p99_ratio": None if p99 is None else round(p99, 3),
        "seconds": round(seconds, 1),
    }


def by_phase(observed: ObservedOrders, evidence: Evidence, phases: list[Phase], hung: str) -> list[dict[str, Any]]:
    """The same figures for the orders of each phase, and the healthy merchants' p99 that the ratio is made of.

    `control_p99_ratio` is the ratio of the other tiers, which tells a felt hang from a machine that was busy.
    """
    base = percentile(healthy_seconds(observed, "baseline", hung), 99)
    control_base = percentile(control_seconds(observed, "baseline", hung), 99)
    table = []
    for phase in phases:
        ledger = reckon(evidence, observed.orders(phase=phase.name))
        healthy = healthy_seconds(observed, phase.name, hung)
        p99 = percentile(healthy, 99)
        table.append(
            {
                "name": phase.name,
                **figures(ledger, ratio(p99, base), phase.seconds),
                "queued_at_end": phase.queued_at_end,
                "healthy_orders": len(healthy),
                "healthy_p50_seconds": percentile(healthy, 50),
                "healthy_p99_seconds": p99,
                "control_p99_ratio": ratio(percentile(control_seconds(observed, phase.name, hung), 99), control_base),
            }
        )
    return table


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write build/demo.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def look_next(kubeconfig: Path, management: str, out: Path) -> list[str]:
    """What to look at now that the demo is over."""
    return [
        f"export KUBECONFIG={kubeconfig}",
        "kubectl -n orders get mr            # the route: is it healthy?",
        "kubectl -n orders describe mr pos   # its conditions, lanes and events",
        "kubectl -n orders edit mr pos       # tune concurrency, move a merchant: orders keep flowing",
        f"{management}   # RabbitMQ; user and password: kubectl -n orders get secret rabbitmq-pos-default-user -o yaml",
        f"{out}   # these figures",
    ]


def healthy_seconds(observed: ObservedOrders, phase: str, hung: str) -> list[float]:
    """Publish to done of the good orders of a phase for the other merchants of the hung merchant's tier."""
    tier = observed.tier(hung)
    return observed.seconds(observed.orders(phase=phase, tiers=[tier]) - observed.orders(merchant=hung))


def control_seconds(observed: ObservedOrders, phase: str, hung: str) -> list[float]:
    """The same of all other tiers, whose queues and pods the hang cannot reach: what they feel is the machine."""
    others = set(observed.tiers.values()) - {observed.tier(hung)}
    return observed.seconds(observed.orders(phase=phase, tiers=others))


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The smallest value that at least `percent` of all are not above (nearest rank); None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def ratio(value: float | None, base: float | None) -> float | None:
    """How many times `base` a value is; None where either is missing."""
    return value / base if value is not None and base else None
