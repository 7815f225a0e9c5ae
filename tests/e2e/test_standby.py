"""Two operators: one is active by the Lease, the other takes over, and orders flow whether there is one or not."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.installation import Installation
from tests.e2e.routes import route
from tests.e2e.tenant import Tenant

SYSTEM = "merchantroute-system"
OPERATOR = "merchantroute-operator"


@pytest.fixture
def two(installation: Installation) -> Iterator[Installation]:
    """A second replica, for the time of a test."""
    installation.kubectl("-n", SYSTEM, "scale", "deployment", OPERATOR, "--replicas=2")
    until(lambda: len(_alive(installation)) == 2, "two operators are ready", 90)
    yield installation
    installation.kubectl("-n", SYSTEM, "scale", "deployment", OPERATOR, "--replicas=1")
    until(lambda: _alive(installation) == [_holder(installation)], "one operator is left, and it is active", 90)


def test_a_standby_takes_over_from_a_killed_operator_and_orders_never_stop(
    two: Installation, tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(route("pos", merchants={"steady": "standard"}))
    tenant.ready("pos")
    active = _holder(two)
    (standby,) = set(_alive(two)) - {active}
    assert _passes(two, active) > 0
    assert _passes(two, standby) == 0
    till = web_shop(tenant, "pos")
    with till.stream(["steady"], rate=10):
        until(till.done, "orders flow")
        two.kubectl("-n", SYSTEM, "delete", "pod", active, "--grace-period=0", "--force")
        killed = till.done()
        until(lambda: _holder(two) not in {active, ""}, "another operator is active", 90)
        assert till.done() - killed, "orders were done while no operator was"

        tenant.apply(route("pos", merchants={"steady": "standard", "newcomer": "standard"}))
        tenant.ready("pos")
        fresh = till.publish("newcomer", 5)
        until(lambda: fresh <= till.done(), "the new operator works")

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())


def _alive(installation: Installation) -> list[str]:
    pods = installation.items(f"api/v1/namespaces/{SYSTEM}/pods")
    return [
        pod["metadata"]["name"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and all(c["ready"] for c in pod["status"].get("containerStatuses") or [{"ready": False}])
    ]


def _holder(installation: Installation) -> str:
    """The pod that holds the Lease now; "" where it has run out."""
    found = installation.get(f"apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{OPERATOR}") or {}
    spec = found.get("spec", {})
    renewed = datetime.fromisoformat(spec.get("renewTime", "1970-01-01T00:00:00Z"))
    age = (datetime.now(UTC) - renewed).total_seconds()
    return str(spec.get("holderIdentity") or "") if age < spec.get("leaseDurationSeconds", 0) else ""


def _passes(installation: Installation, pod: str) -> float:
    """Passes over routes that this operator has made, by its own metrics."""
    text = installation.text(f"api/v1/namespaces/{SYSTEM}/pods/{pod}:9090/proxy/metrics") or ""
    found = re.findall(r'^merchantroute_operator_passes_total\{result="\w+"\} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))
