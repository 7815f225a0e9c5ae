"""The broker's password is changed under a running route: both sides recover by themselves once they agree again."""

from urllib.parse import quote

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.installation import Json
from tests.e2e.routes import route
from tests.e2e.tenant import Tenant


def test_a_rotated_password_needs_no_restart_and_costs_no_order(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tenant.apply(route("pos", merchants={"rotated": "standard"}))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    before = [_identity(pod) for pod in tenant.pods("pos")]
    with till.stream(["rotated"], rate=10):
        until(lambda: len(till.done()) > 10, "orders flow")
        tenant.rabbit("PUT", f"users/{tenant.username}", {"password": "a-new-one", "tags": "management"})
        _disconnect(tenant)
        until(
            lambda: tenant.condition("pos", "Ready").get("reason") == "BrokerCredentialsRefused",
            "the route says so",
            90,
            lambda: tenant.tell("pos"),
        )
        until(lambda: not _is_ready(tenant.pods("pos")), "the pods wait unready", 30)

        tenant.apply(tenant.secret(password="a-new-one"))
        tenant.ready("pos")
        until(lambda: _is_ready(tenant.pods("pos")), "the pods are ready", 60)

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled) == (0, set())
    assert [_identity(pod) for pod in tenant.pods("pos")] == before


def _disconnect(tenant: Tenant) -> None:
    """Close the route's connections: the broker lets one live on that began with the old password.

    The broker lists a connection a few seconds after it began.
    """
    mine = {"seen": 0}

    def closed() -> bool:
        found = tenant.rabbit("GET", "vhosts/{vhost}/connections")
        for connection in found:
            if connection.get("user") == tenant.username:
                mine["seen"] += 1
                tenant.rabbit("DELETE", f"connections/{quote(connection['name'], safe='')}")
        return mine["seen"] > 0 and not _is_ready(tenant.pods("pos"))

    until(closed, "the pods have lost their connections", 60)


def _is_ready(pods: list[Json]) -> bool:
    return all(
        condition["status"] == "True"
        for pod in pods
        for condition in pod["status"]["conditions"]
        if condition["type"] == "Ready"
    )


def _identity(pod: Json) -> tuple[str, int]:
    return pod["metadata"]["uid"], sum(c["restartCount"] for c in pod["status"]["containerStatuses"])
