"""The suites of one run: fast ones first, and what a test without Docker may ask for.

A failure in a pure test explains a failure in the cluster, so it is told minutes earlier: the order is fixed here,
whatever paths the command line names.
"""

from pathlib import Path

import pytest

SUITES = ("unit", "house", "contract", "worker", "e2e")
WITHOUT_DOCKER = ("unit", "house")
NEEDS_DOCKER = frozenset({"amqp_url", "mgmt_url", "broker", "vhost", "module_vhost", "cluster", "kubectl", "namespace"})


def suite_of(nodeid: str) -> str:
    """Name the suite of a test: the folder under tests/."""
    parts = Path(nodeid.split("::", maxsplit=1)[0]).parts
    return parts[1] if len(parts) > 2 and parts[0] == "tests" else "other"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the suites in order; refuse a unit test that would start a container."""
    rank = {suite: place for place, suite in enumerate(SUITES)}
    items.sort(key=lambda item: rank.get(suite_of(item.nodeid), len(SUITES)))
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: an address is another one in every process; give it ids=")
        heavy = NEEDS_DOCKER.intersection(getattr(item, "fixturenames", ()))
        if heavy and suite_of(item.nodeid) in WITHOUT_DOCKER:
            raise pytest.UsageError(f"{item.nodeid} asks for {', '.join(sorted(heavy))}: put it under tests/contract")
