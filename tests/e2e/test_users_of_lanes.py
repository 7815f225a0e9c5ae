"""Each lane's pods get a broker user of their own under a running route, as soon as the operator may make one."""

from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import route, tier
from tests.e2e.tenant import Tenant


def test_lanes_change_to_their_own_users_while_orders_flow_and_leave_none(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    asked: Any = route("pos", tiers=[tier("standard"), tier("large")], merchants={"small": "standard", "big": "large"})
    asked["spec"]["broker"]["users"] = "PerLane"
    tenant.apply(asked)
    tenant.ready("pos")
    assert tenant.condition("pos", "LaneUsersReady")["reason"] == "UsersNotAllowed"
    assert of_route(tenant) == set()
    till = web_shop(tenant, "pos")
    with till.stream(["small", "big"], rate=10):
        until(lambda: len(till.done()) > 10, "orders flow by the given user")
        tenant.rabbit("PUT", f"users/{tenant.username}", {"password": tenant.password, "tags": "administrator"})
        until(lambda: tenant.condition("pos", "LaneUsersReady").get("status") == "True", "lanes have users", 90)
        until(lambda: len(consuming(tenant)) == 2, "the pods of both tiers are other users'", 180)
        before = len(till.done())
        until(lambda: len(till.done()) > before + 10, "orders flow by the lanes' own users")

        (secret,) = (each for each in broker_secrets(tenant) if "-standard-" in each["metadata"]["name"])
        tenant.kubectl("delete", "secret", secret["metadata"]["name"])
        until(lambda: len(broker_secrets(tenant)) == 3, "the Secret is there again", 60)
        tenant.told("pos", "was deleted: made again")

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled) == (0, set())
    assert consuming(tenant) < of_route(tenant)

    tenant.kubectl("delete", "mr", "pos", "--timeout=120s")
    assert of_route(tenant) == set()
    assert broker_secrets(tenant) == []


def of_route(tenant: Tenant) -> set[str]:
    """The broker's users of the route's lanes."""
    door = f"mr.{tenant.namespace}.pos."
    return {user["name"] for user in tenant.rabbit("GET", "users") if user["name"].startswith(door)}


def consuming(tenant: Tenant) -> set[str]:
    """Which of them have a connection: the broker lists one a few seconds after it began."""
    return {each.get("user") for each in tenant.rabbit("GET", "vhosts/{vhost}/connections")} & of_route(tenant)


def broker_secrets(tenant: Tenant) -> list[Any]:
    """The Secrets with the lanes' users."""
    return [each for each in tenant.configuration("pos") if each["metadata"]["name"].endswith("-broker-user")]
