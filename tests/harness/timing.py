"""Where the time of a run went, in its terminal summary: per suite, the shared set-up, the slowest tests.

The suite has a budget for good (15 minutes warm, 35 cold): what spends it must be seen in every run.
"""

import time
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.harness.suites import SUITES, suite_of

SLOWEST = 10
WORTH_SHOWING = 0.5  # seconds; a shorter set-up or test explains nothing


@dataclass
class Spent:
    """Seconds by test, and by fixture that is made once per session."""

    tests: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    shared: dict[str, float] = field(default_factory=dict)


class Timing:
    """Collects from the reports, so that tests of patched processes count as well."""

    def __init__(self) -> None:
        self.spent = Spent()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up set-up, call and teardown of each test."""
        self.spent.tests[report.nodeid] += report.duration

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Time what is made once; its first user would be blamed for it otherwise."""
        begun = time.monotonic()
        try:
            return (yield)
        finally:
            if fixturedef.scope == "session":
                self.spent.shared[fixturedef.argname] = time.monotonic() - begun

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it; pytest's own closing line comes after this."""
        if self.spent.tests:
            terminalreporter.section("where the time went")
            for line in summary(self.spent):
                terminalreporter.write_line(line)


def summary(spent: Spent) -> list[str]:
    """Put the figures into lines: suites in their order, then what is shared, then the slowest tests."""
    seconds: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for nodeid, took in spent.tests.items():
        seconds[suite_of(nodeid)] += took
        count[suite_of(nodeid)] += 1
    lines = [f"{seconds[suite]:8.1f} s  {suite}: {count[suite]} tests" for suite in (*SUITES, "other") if count[suite]]
    for name, took in sorted(spent.shared.items(), key=lambda pair: -pair[1]):
        if took >= WORTH_SHOWING:
            lines.append(f"{took:8.1f} s  of that, once: {name}")
    slow = sorted(((took, nodeid) for nodeid, took in spent.tests.items() if took >= WORTH_SHOWING), reverse=True)
    lines += [f"{took:8.1f} s  {nodeid}" for took, nodeid in slow[:SLOWEST]]
    return lines


def pytest_configure(config: pytest.Config) -> None:
    """One collector per run."""
    config.pluginmanager.register(Timing(), "merchantroute-timing")
