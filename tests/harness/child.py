"""The patched process: gevent first, then pytest, each result written to a pipe as one line of JSON.

Run as `python -m tests.harness.child FD [pytest's arguments]`. Patching after an import of ssl or threading would test
something that production never runs, so nothing else may be imported before the next statement.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after patching, see above
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402


class Stream:
    """Writes what the parent needs to know, when it is known."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, **message: Any) -> None:
        """Write one line, whole: a killed child leaves no half of a result that could be taken for one."""
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(self.fd, data) :]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell why a module could not be collected."""
        if report.failed:
            self.send(event="broken", nodeid=report.nodeid, why=report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """List the tests, with what the parent's -k, -m and fixtures need."""
        for item in session.items:
            self.send(
                event="item",
                nodeid=item.nodeid,
                location=item.location,
                marks=sorted({mark.name for mark in item.iter_markers()}),
                fixtures=list(getattr(item, "fixturenames", ())),
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pass a phase's outcome on, with its traceback and captured output."""
        hook = self.config.hook
        self.send(event="report", report=hook.pytest_report_to_serializable(config=self.config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Say that no more phases of this test will come."""
        self.send(event="finished", nodeid=nodeid)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Remember the configuration: reports are serialised by its hooks."""
        self.config = config


def main() -> int:
    """Run pytest as the command line says."""
    return int(pytest.main(sys.argv[2:], plugins=[Stream(int(sys.argv[1]))]))


if __name__ == "__main__":
    sys.exit(main())
