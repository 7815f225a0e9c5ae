"""`python -m benchmarks.fairness`: what caps cost healthy merchants, and what a hung one costs its neighbours.

Each scenario runs twice with the same draws: with the bulkhead, and with every order admitted. SCENARIOS (a part of a
name) runs fewer.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click

from benchmarks.fairness.scenario import SCENARIOS, Scenario
from benchmarks.fairness.virtual_pod import VirtualPod
from benchmarks.json_file import write_json

BUILD = Path(__file__).resolve().parents[2] / "build"


def main() -> None:
    """The program."""
    wanted = os.environ.get("SCENARIOS", "")
    with ProcessPoolExecutor() as processes:
        results = list(processes.map(measure, [each for each in SCENARIOS if wanted in each.name]))
    document = [{name: result[name] for name in KEYS} for result in results]
    write_json(BUILD / "bench-fairness.json", document)
    click.echo(f"{'refused':>8} {'p99':>7} {'without':>7} {'lowest cap':>10}  scenario")
    for each in results:
        click.echo(
            f"{each['refused']:8.2%} {each['p99_seconds']:7.2f} {each['p99_without_caps_seconds']:7.2f}"
            f" {each['lowest_cap']:10}  {each['scenario']}"
        )


KEYS = ("scenario", "refused", "p99_seconds", "p99_without_caps_seconds")


def measure(scenario: Scenario) -> dict[str, Any]:
    """One scenario's figures, of healthy merchants only."""
    with_caps = VirtualPod(scenario, caps=True).run()
    without = VirtualPod(scenario, caps=False).run()
    return {
        "scenario": scenario.name,
        "refused": round(len(with_caps.refused) / with_caps.orders, 5),
        "p99_seconds": round(with_caps.p99(), 3),
        "p99_without_caps_seconds": round(without.p99(), 3),
        "lowest_cap": min(with_caps.caps.values()),
        "refusals": dict(with_caps.refusals),
    }


if __name__ == "__main__":
    main()
