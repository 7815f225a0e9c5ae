"""A route at its limit: 2,000 merchants."""

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import merchant, route, tier
from tests.e2e.tenant import Tenant

MERCHANTS = 2000
SMALL = 10_000  # bytes; the API server's limit for all annotations is 262,144


def test_two_thousand_merchants_are_bound_and_the_route_can_still_be_written(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tiers = [tier("even"), tier("odd")]
    merchants = [merchant(f"many-{number:04d}", ("even", "odd")[number % 2]) for number in range(MERCHANTS)]
    tenant.apply(route("pos", tiers=tiers, merchants=merchants))
    tenant.ready("pos", within=180)
    assert _bound(tenant) == {"even": MERCHANTS // 2, "odd": MERCHANTS // 2}

    merchants[0]["tier"] = "odd"
    tenant.apply(route("pos", tiers=tiers, merchants=merchants))
    tenant.ready("pos")
    assert _bound(tenant) == {"even": MERCHANTS // 2 - 1, "odd": MERCHANTS // 2 + 1}

    tenant.kubectl("annotate", "mr", "pos", "example.com/note=still-writable")
    found = tenant.route("pos") or {}
    annotations = found["metadata"]["annotations"]
    assert annotations["example.com/note"] == "still-writable"
    assert sum(len(key) + len(value) for key, value in annotations.items()) < SMALL

    till = web_shop(tenant, "pos")
    orders = till.publish("many-0000", 5) | till.publish("many-1999", 5) | till.publish("many-1000", 5)
    until(lambda: orders <= till.done(), "orders of the first, the last and one in the middle are done")
    assert till.tiers(till.of("many-1000")) == {"even"}
    assert till.tiers(till.of("many-0000") | till.of("many-1999")) == {"odd"}


def _bound(tenant: Tenant) -> dict[str, int]:
    """How many merchants lead to each tier, by the broker's own word."""
    door = f"mr.{tenant.namespace}.pos"
    found = tenant.rabbit("GET", f"exchanges/{{vhost}}/{door}.assigned/bindings/source")
    ends = [binding["destination"].removeprefix(f"{door}.") for binding in found]
    return {name: ends.count(name) for name in set(ends)}
