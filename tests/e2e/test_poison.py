"""An order that kills whatever process works on it, among innocent ones, on pods as a user has them."""

from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import app, route, tier
from tests.e2e.tenant import Tenant

APP = """
import os

from celery import Celery

app = Celery("hostile")


@app.task(name="hostile.abort")
def abort():
    os.abort()
"""
CODE, WORKER = app("hostile", APP)


def test_a_poison_order_ends_alone_in_dead_letters_and_every_innocent_one_is_done(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tiers = [tier("only", concurrency=5, minReplicas=2, maxReplicas=2)]
    tenant.apply(CODE, route("pos", tiers=tiers, merchants={"mixed": "only"}, worker=WORKER))
    tenant.ready("pos")
    until(lambda: tenant.lane("pos", "only").get("readyReplicas") == 2, "both pods are ready", 60)
    till = web_shop(tenant, "pos")
    till.behave("mixed", latency={"p50_ms": 100})

    innocent = till.publish("mixed", 25)
    poison = till.publish_task("hostile.abort", "mixed", "killed-its-pod")
    innocent |= till.publish("mixed", 25)

    until(partial(_suspected, tenant), "a pod of the suspect lane takes the order", 60, partial(tenant.tell, "pos"))
    ledger = till.settled(within=120)
    assert ledger.reasons == {poison: "killed-its-pod"}
    assert ledger.done == innocent
    assert ledger.lost == 0
    assert till.twice() == set()
    # Whoever was run to its end twice had its pod killed between the end and the ack: the other pod of the tier gave it
    # to the suspect lane then, as a message of its own, or worked on it.
    again = [said for said in till.observed.completions.values() if len(said) > 1]
    assert all(any(one.redelivered or one.tier == "suspect" for one in said) for said in again)
    assert till.tiers(innocent) <= {"only", "suspect"}


def _suspected(tenant: Tenant) -> bool:
    return any(pod["metadata"]["labels"]["merchantroute.dev/lane"] == "suspect" for pod in tenant.pods("pos"))
