"""Code of a user's that holds up a pod's hub, on pods as a user has them: `kubectl describe mr` names the pod."""

from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import app, route, tier
from tests.e2e.tenant import Tenant

APP = """
import time

from celery import Celery

app = Celery("greedy")


@app.task(name="greedy.compute")
def compute():
    end = time.monotonic() + 3
    while time.monotonic() < end:
        sum(range(1000))
"""
CODE, WORKER = app("greedy", APP)


def test_code_that_holds_up_a_pod_is_an_event_that_names_it(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tiers = [tier("only", concurrency=5, minReplicas=1, maxReplicas=1)]
    tenant.apply(CODE, route("pos", tiers=tiers, merchants={"beside-greed": "only"}, worker=WORKER))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")

    orders = till.publish("beside-greed", 5) | {till.publish_task("greedy.compute", "beside-greed")}

    until(lambda: "HubBlocked" in tenant.events("pos"), "the event", 60, partial(tenant.tell, "pos"))
    (pod,) = [each["metadata"]["name"] for each in tenant.pods("pos")]
    assert tenant.events("pos")["HubBlocked"].startswith(f"{pod}: code held up its hub")
    until(lambda: till.are_done(orders), "the orders are done all the same", 60, partial(tenant.tell, "pos"))
