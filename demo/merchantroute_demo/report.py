"""The figures of a run as build/demo.json holds them, and the words at its end. Pure but for the file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merchantroute_demo.figures import percentile, ratio
from merchantroute_demo.ledger import Evidence, Ledger, reckon
from merchantroute_demo.roll import Roll


@dataclass(frozen=True)
class Phase:
    """A phase as it went: how long orders were published, and how much was queued at its end (None: unknown)."""

    name: str
    seconds: float
    queued_at_end: int | None


def figures(ledger: Ledger, p99: float | None, seconds: float) -> dict[str, Any]:
    """The nine figures of CONTRACT.md; `p99` is the ratio to the baseline phase."""
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


def by_phase(roll: Roll, evidence: Evidence, phases: list[Phase], hung: str) -> list[dict[str, Any]]:
    """The same figures for the orders of each phase, and the healthy merchants' p99 that the ratio is made of.

    `control_p99_ratio` is the ratio of the other tiers, which tells a felt hang from a machine that was busy.
    """
    base = percentile(roll.healthy_seconds("baseline", hung), 99)
    control_base = percentile(roll.control_seconds("baseline", hung), 99)
    table = []
    for phase in phases:
        ledger = reckon(evidence, roll.orders(phase=phase.name))
        healthy = roll.healthy_seconds(phase.name, hung)
        p99 = percentile(healthy, 99)
        table.append(
            {
                "name": phase.name,
                **figures(ledger, ratio(p99, base), phase.seconds),
                "queued_at_end": phase.queued_at_end,
                "healthy_orders": len(healthy),
                "healthy_p50_seconds": percentile(healthy, 50),
                "healthy_p99_seconds": p99,
                "control_p99_ratio": ratio(percentile(roll.control_seconds(phase.name, hung), 99), control_base),
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
