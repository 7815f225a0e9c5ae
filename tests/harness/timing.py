"""Where the time of a run went, in its terminal summary: per suite, the shared set-up, the slowest modules and tests.

The suite has a budget for good (15 minutes warm, 35 cold): what spends it must be seen in every run.
"""

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.harness.suites import SUITES, suite_of

SLOWEST = 10
WORTH_SHOWING = 0.5  # seconds; a shorter set-up or test explains nothing
OUTPUT = "seconds of what is made once"  # what a process of xdist sends to the first one


@dataclass
class Spent:
    """Seconds by test, and by fixture that is made once per process; when each suite began and ended."""

    tests: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    shared: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)


class Timing:
    """Collects from the reports, so that tests of patched processes and of xdist's count as well."""

    def __init__(self) -> None:
        self.spent = Spent()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up set-up, call and teardown of each test."""
        self.spent.tests[report.nodeid] += report.duration
        suite = suite_of(report.nodeid)
        self.spent.began[suite] = min(report.start, self.spent.began.get(suite, report.start))
        self.spent.ended[suite] = max(report.stop, self.spent.ended.get(suite, report.stop))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Time what is made once; its first user would be blamed for it otherwise."""
        begun = time.monotonic()
        try:
            return (yield)
        finally:
            if fixturedef.scope == "session":
                self.share({fixturedef.argname: time.monotonic() - begun})

    def share(self, seconds: Mapping[str, float]) -> None:
        """Count what was made once; of several processes, the one that waited longest."""
        for name, took in seconds.items():
            self.spent.shared[name] = max(took, self.spent.shared.get(name, 0.0))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a process of xdist has measured; one that crashed has sent nothing."""
        self.share(getattr(node, "workeroutput", {}).get(OUTPUT, {}))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send it, from a process of xdist."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[OUTPUT] = self.spent.shared

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it; pytest's own closing line comes after this."""
        if self.spent.tests:
            terminalreporter.section("where the time went")
            for line in summary(self.spent):
                terminalreporter.write_line(line)


def summary(spent: Spent) -> list[str]:
    """Put the figures into lines: suites in their order, then what is shared, then the slowest modules and tests.

    Suites run side by side: the seconds of their tests add up to more than the minutes of the run.
    """
    seconds, count = _by_suite(spent.tests)
    lines = []
    for suite in (name for name in (*SUITES, "other") if count[name]):
        passed = spent.ended[suite] - spent.began[suite]
        lines.append(f"{seconds[suite]:8.1f} s  {suite}: {count[suite]} tests, from first to last {passed:.1f} s")
    lines += _slowest(((took, f"of that, once: {name}") for name, took in spent.shared.items()), len(spent.shared))
    modules: dict[str, float] = defaultdict(float)
    for nodeid, took in spent.tests.items():
        modules[nodeid.split("::", 1)[0]] += took
    lines += _slowest(((took, module) for module, took in modules.items()), SLOWEST)
    lines += _slowest(((took, nodeid) for nodeid, took in spent.tests.items()), SLOWEST)
    return lines


def _by_suite(tests: Mapping[str, float]) -> tuple[dict[str, float], dict[str, int]]:
    seconds: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for nodeid, took in tests.items():
        seconds[suite_of(nodeid)] += took
        count[suite_of(nodeid)] += 1
    return seconds, count


def _slowest(named: Iterable[tuple[float, str]], most: int) -> list[str]:
    worth = sorted((pair for pair in named if pair[0] >= WORTH_SHOWING), reverse=True)
    return [f"{took:8.1f} s  {name}" for took, name in worth[:most]]


def pytest_configure(config: pytest.Config) -> None:
    """One collector per process."""
    config.pluginmanager.register(Timing(), "merchantroute-timing")
