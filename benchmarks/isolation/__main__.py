"""`python -m benchmarks.isolation`: who waits for whom, under each policy, in virtual time.

SCENARIOS (a part of a name) and POLICIES (names) run fewer; EVENTS=1 shows what the operator said.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, get_args

import click

from benchmarks.isolation.fleet import OPERATED, Fleet, PolicyName
from benchmarks.isolation.fleet_figures import figures
from benchmarks.isolation.isolation_scenarios import SCENARIOS, IsolationScenario
from benchmarks.isolation.operator_in_time import OperatorInTime
from benchmarks.json_file import write_json
from merchantroute_operator.isolation.model import Policy

BUILD = Path(__file__).resolve().parents[2] / "build"
COLUMNS = (
    ("healthy_p50", 7), ("healthy_p99", 8), ("before_p99", 8), ("fault_p99", 8), ("fault_p99_from_3s", 8),
    ("refused_per_order", 8), ("openings", 5), ("false_openings", 5), ("isolated_after", 6), ("amplification", 6),
    ("amplification_of_odd", 6),
    ("peak", 5), ("rate_10s", 6), ("recovery_seconds", 8), ("throughput", 6), ("limited_share", 6),
)  # fmt: skip
LONG, BUSY = 1_000.0, 0.8
"""Seconds of a scenario that is about false openings only, and the load from which on the order in a pod matters."""


def main() -> None:
    """The program."""
    wanted, policies = os.environ.get("SCENARIOS", ""), os.environ.get("POLICIES", " ".join(get_args(PolicyName)))
    runs = [
        (scenario, policy)
        for scenario in sorted(SCENARIOS, key=lambda scenario: -scenario.seconds)
        for policy in get_args(PolicyName)
        if wanted in scenario.name and policy in policies.split() and _is_run(scenario, policy)
    ]
    with ProcessPoolExecutor() as processes:
        results = list(processes.map(measure, *zip(*runs, strict=True)))
    write_json(BUILD / "sim-isolation.json", results)
    if os.environ.get("EVENTS"):
        click.echo("\n".join(f"{at:7.1f} {text}" for each in results for at, text in each.get("events", ())))
    click.echo(" ".join(f"{name.replace('healthy_', '')[:width]:>{width}}" for name, width in COLUMNS))
    for each in results:
        row = " ".join(f"{'-' if each[name] is None else each[name]:>{width}}" for name, width in COLUMNS)
        click.echo(f"{row}  {each['policy']:6} {each['scenario']}")


def _is_run(scenario: IsolationScenario, policy: PolicyName) -> bool:
    if policy == "fewest":
        return scenario.flood is not None or (bool(scenario.faults) and scenario.load >= BUSY)
    return policy == "own" or scenario.seconds < LONG


def measure(scenario: IsolationScenario, policy: PolicyName) -> dict[str, Any]:
    """One run's figures."""
    fleet = Fleet(scenario, policy)
    if policy in OPERATED:
        limits = {str(merchant): limits for merchant, limits in scenario.limits.items()}
        operator = OperatorInTime(fleet, Policy(limits=limits))
        fleet.run()
        return {**figures(fleet), "changes": operator.changes, "events": operator.events}
    fleet.run()
    return figures(fleet)


if __name__ == "__main__":
    main()
