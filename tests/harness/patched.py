"""Collects folders marked by a file `patched.txt` through a process of their own, patched by gevent before all else.

Patching cannot be undone, and half of a process cannot be patched; so these tests run elsewhere and are reported here:
each is an item of this run, selected by its -k and -m and counted in its closing line. One child lists the tests of a
folder, another runs those that were selected; a child that dies fails every test it still owed.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.harness.broker import broker_environment
from tests.harness.process import CHILD, PatchedProcess
from tests.harness.run import once

MARKER = "patched.txt"
COLLECTING = 120.0  # seconds for the list of tests
ONE_TEST = 300.0  # seconds between two signs of life

FOLDERS = pytest.StashKey[dict[Path, "Folder"]]()


class Folder:
    """The tests of one marked folder: listed by one child, run by another."""

    def __init__(self, path: Path, config: pytest.Config) -> None:
        self.path = path
        self.config = config
        self.found: list[dict[str, Any]] = []
        self.broken: list[dict[str, Any]] = []
        self.dead = False
        self.child: PatchedProcess | None = None
        listed = once(f"tests-of-{sha256(bytes(path)).hexdigest()[:12]}", lambda: list(self._listing()))
        for message in listed:
            (self.found if message["event"] == "item" else self.broken).append(message)

    def _listing(self) -> Iterator[dict[str, Any]]:
        child = self._start("--collect-only", str(self.path))
        try:
            while message := child.message(within=COLLECTING):
                yield message
            if child.end() not in (0, pytest.ExitCode.NO_TESTS_COLLECTED) and not self.broken:
                yield {"event": "broken", "nodeid": None, "why": f"listing tests failed:\n{child.last_words()}"}
        finally:
            child.close()

    def _start(self, *arguments: str, env: dict[str, str] | None = None) -> PatchedProcess:
        root = self.config.rootpath
        return PatchedProcess(
            [f"--rootdir={root}", "-q", "-p", "no:cacheprovider", *arguments], cwd=root, env=env or {}
        )

    def run(self, item: "PatchedItem", *, last: bool) -> list[pytest.TestReport]:
        """Run the child up to the end of this test, starting it for the first one."""
        if self.child is None:
            chosen = [each for each in item.session.items if isinstance(each, PatchedItem) and each.folder is self]
            needed = {name for each in chosen for name in each.fixturenames}
            env = broker_environment(self.config) if needed & {"broker", "amqp_url", "mgmt_url"} else {}
            self.child = self._start(*(each.nodeid for each in chosen), env=env)
        reports = self._reports(item)
        if last:
            status = self.child.end()
            if not self.dead and status not in (0, pytest.ExitCode.TESTS_FAILED):
                reports.append(item.crash(f"the patched process ended with status {status}:\n{self._words()}"))
            self.child.close()
            self.child = None
        return reports

    def _reports(self, item: "PatchedItem") -> list[pytest.TestReport]:
        assert self.child
        reports: list[pytest.TestReport] = []
        hook = self.config.hook
        try:
            while message := self.child.message(within=ONE_TEST):
                if message["event"] == "report" and message["report"]["nodeid"] == item.nodeid:
                    reports.append(hook.pytest_report_from_serializable(config=self.config, data=message["report"]))
                elif message["event"] == "finished" and message["nodeid"] == item.nodeid:
                    return reports
            why = f"the patched process ended (status {self.child.end()}) before this test did"
        except TimeoutError as late:
            self.child.process.kill()
            why = str(late)
        self.dead = True
        return [*reports, item.crash(f"{why}; its last words:\n{self._words()}")]

    def _words(self) -> str:
        assert self.child
        return self.child.last_words()


def marked_folder(path: Path, config: pytest.Config) -> Path | None:
    """Find the marked folder that a file is in, if it is in one."""
    inside = (folder for folder in path.parents if folder.is_relative_to(config.rootpath))
    return next((folder for folder in inside if (folder / MARKER).exists()), None)


class PatchedModule(pytest.File):
    """A test module that this process never imports."""

    def collect(self) -> Iterator[pytest.Item]:
        """Give the tests that the child found in this file."""
        folders = self.config.stash.setdefault(FOLDERS, {})
        home = marked_folder(self.path, self.config)
        assert home
        if home not in folders:
            folders[home] = Folder(home, self.config)
        folder = folders[home]
        for broken in folder.broken:
            if broken["nodeid"] in (None, self.nodeid):
                raise self.CollectError(broken["why"])
        for found in folder.found:
            module, name = found["nodeid"].split("::", 1)
            if module == self.nodeid:
                yield PatchedItem.from_parent(self, name=name, folder=folder, found=found)


class PatchedItem(pytest.Item):
    """One test of a patched process."""

    def __init__(self, *, folder: Folder, found: dict[str, Any], **rest: Any) -> None:
        super().__init__(**rest)
        self.folder = folder
        self.found = found
        self.fixturenames: list[str] = found["fixtures"]
        for mark in found["marks"]:
            self.add_marker(mark)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where the test stands, as the child said."""
        path, line, name = self.found["location"]
        return path, line, name

    def runtest(self) -> None:
        """Never called: the whole protocol is the child's."""
        raise AssertionError("a patched test is run by its own process")

    def crash(self, why: str) -> pytest.TestReport:
        """A failure that no test reported itself."""
        return pytest.TestReport(
            nodeid=self.nodeid, location=self.location, keywords={}, outcome="failed", longrepr=why, when="call"
        )


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> PatchedModule | None:
    """Take the modules of marked folders, except in the child itself."""
    if CHILD in os.environ or marked_folder(module_path, parent.config) is None:
        return None
    return PatchedModule.from_parent(parent, path=module_path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report what the child reports, in this run's own words."""
    if not isinstance(item, PatchedItem):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    last = not (isinstance(nextitem, PatchedItem) and nextitem.folder is item.folder)
    for report in item.folder.run(item, last=last):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # The test before left set up what it has in common with this one, as its folder; the next may not have that.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """An interrupted run leaves no child behind."""
    for folder in session.config.stash.get(FOLDERS, {}).values():
        if folder.child is not None:
            folder.child.close()
