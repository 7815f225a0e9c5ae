"""What a route does with its namespace: pods that the restricted standard admits, and an end that does not hang."""

import json

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import IMAGE, route, tier
from tests.e2e.tenant import Tenant

ENDS_WITHIN = 120.0  # seconds


def test_workers_run_where_only_restricted_pods_may(tenant: Tenant) -> None:
    """The namespace enforces the standard: that pods run is the proof, and that others are refused is its check."""
    careless = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "careless"},
        "spec": {"containers": [{"name": "root", "image": IMAGE, "securityContext": {"privileged": True}}]},
    }
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        tenant.kubectl("apply", "-f", "-", stdin=json.dumps(careless))
    tenant.apply(route("pos", merchants={"strict": "standard"}))
    tenant.ready("pos")
    (pod,) = tenant.pods("pos")
    assert pod["status"]["phase"] == "Running"


def test_a_namespace_ends_in_time_and_the_orders_stay_in_the_broker(tenant: Tenant, web_shop: OpenWebShop) -> None:
    """Drain cannot be: a terminating namespace takes no new pods. So it is a Retain."""
    tiers = [tier("only", concurrency=5)]
    tenant.apply(route("pos", tiers=tiers, merchants={"evicted": "only"}, deletion={"policy": "Drain"}))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    till.behave("evicted", behaviour="hang")
    orders = till.publish("evicted", 30)

    tenant.installation.kubectl(
        "delete", "namespace", tenant.namespace, f"--timeout={ENDS_WITHIN:.0f}s", within=ENDS_WITHIN + 10
    )
    assert tenant.installation.get(f"api/v1/namespaces/{tenant.namespace}") is None
    assert tenant.is_shut("pos")
    until(lambda: sum(tenant.queues("pos").values()) == len(orders), "all orders are queued", 30)
