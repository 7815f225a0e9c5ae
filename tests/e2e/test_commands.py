"""A lane whose pods run a command of the route's own instead of the launcher."""

from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import Json, route, tier
from tests.e2e.tenant import Tenant

POST = [
    *("celery", "-A", "merchantroute_worker.gcelery", "worker"),
    *(
        "--concurrency=$(MR_CONCURRENCY)",
        "--pool",
        "gevent",
        "--loglevel=info",
        "--without-mingle",
        "-Q",
        "$(MR_QUEUE)",
    ),
]
SILENT = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]


def test_the_post_s_own_command_line_works_orders_and_a_silent_command_holds_up_nothing(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tiers = [
        {**tier("plain", concurrency=7), "command": POST},
        {**tier("silent"), "command": SILENT},
    ]
    merchants = {"by-celery": "plain", "unserved": "silent"}
    tenant.apply(
        tenant.worker_secret("workers"), route("pos", tiers=tiers, merchants=merchants, worker_secret="workers")
    )
    tenant.ready("pos")
    (deployment,) = tenant.deployments("pos", "plain")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == POST
    assert not container.keys() & {"args", "startupProbe", "livenessProbe", "readinessProbe"}
    assert not [variable for variable in container["env"] if "secretKeyRef" in variable.get("valueFrom", {})]
    till = web_shop(tenant, "pos")

    orders = till.publish("by-celery", 60)
    till.settled()

    # A merchant that is new is bound although nobody knows whether the silent pods have heard of it.
    merchants["new-one"] = "plain"
    tenant.apply(route("pos", tiers=tiers, merchants=merchants, worker_secret="workers"))
    tenant.ready("pos")
    orders |= till.publish("new-one", 20)
    ledger = till.settled()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert till.tiers(orders) == {"plain"}
    until(partial(_says, tenant, "Not known of silent"), "what is not known of the silent pods", 30)
    until(lambda: tenant.lane("pos", "plain").get("configGeneration"), "Celery's pods say what they have loaded", 30)
    assert _slots(tenant) == [7]


def _says(tenant: Tenant, words: str) -> bool:
    said = tenant.condition("pos", "WorkersAvailable")
    return bool(said["status"] == "True" and words in said["message"])


def _slots(tenant: Tenant) -> list[int]:
    """What the broker hands to the plain tier's one consumer at a time."""
    queue: Json = tenant.rabbit("GET", f"queues/{{vhost}}/mr.{tenant.namespace}.pos.plain.stable")
    return [consumer["prefetch_count"] for consumer in queue["consumer_details"]]
