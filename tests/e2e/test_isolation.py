"""A merchant that hangs gets a queue of its own, and loses it when it is well again; what limits and a hold do."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e import operator_pods
from tests.e2e.conftest import OpenWebShop
from tests.e2e.own_queues import is_gone, is_open, own, own_queues, tell
from tests.e2e.routes import merchant, route, tier
from tests.e2e.tenant import Tenant

SLOTS = 10
HELD = "merchantroute.dev/held-until"


def test_a_merchant_that_hangs_has_a_queue_of_its_own_until_it_is_well(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tenant.apply(
        route("pos", tiers=[tier("standard", concurrency=SLOTS)], merchants={"hung": "standard", "well": "standard"})
    )
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    till.behave("hung", behaviour="hang")
    with till.stream(["hung", "well"], rate=10):
        is_open(tenant, "hung")
        assert own(tenant, "hung")["why"] == "Slow"
        tenant.told("pos", "OwnQueueOpened")
        operator_pods.kill(tenant.installation)
        fresh = till.publish("well", 50)
        until(
            partial(till.are_done, fresh), "orders of the other merchant are done meanwhile", 60, partial(tell, tenant)
        )
        assert own_queues(tenant)
    till.behave("hung")

    ledger = till.settled(180)
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled) == (0, set())
    until(lambda: not own_queues(tenant), "its queue is drained and gone", 240, partial(tell, tenant))
    is_gone(tenant, "hung")
    tenant.told("pos", "OwnQueueClosed")
    after = till.publish("hung", 10)
    until(partial(till.are_done, after), "its orders take the tier's lane again", 60, partial(tell, tenant))


def test_a_limit_holds_over_all_pods(tenant: Tenant, web_shop: OpenWebShop) -> None:
    limited = merchant("limited", "standard", limits={"maxInFlight": 2})
    tiers = [tier("standard", concurrency=SLOTS, minReplicas=2, maxReplicas=2)]
    tenant.apply(route("pos", tiers=tiers, merchants=[limited, merchant("free", "standard")]))
    tenant.ready("pos")
    is_open(tenant, "limited")
    till = web_shop(tenant, "pos")
    till.behave("limited", latency={"p50_ms": 200, "p99_ms": 200})

    orders = till.publish("limited", 40)
    free = till.publish("free", 40)

    until(partial(till.are_done, free), "nobody else waits for them", 60, partial(tell, tenant))
    until(partial(till.are_done, orders), "they are done", 120, partial(tell, tenant))
    assert till.most_at_once("limited") <= 3, "two at a time, and one more while pods change places"
    ledger = till.settled()
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())


def test_a_merchant_that_is_held_by_annotation_waits_until_it_is_released(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(route("pos", merchants={"held": "standard", "let-be": "standard"}))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")

    tenant.kubectl("annotate", "mr", "pos", f"{HELD}={json.dumps({'held': end})}")
    is_open(tenant, "held")
    found = own(tenant, "held")
    assert (found["why"], found["share"]) == ("Held", 0)
    waiting, others = till.publish("held", 20), till.publish("let-be", 20)
    until(partial(till.are_done, others), "nobody else waits", 60, partial(tell, tenant))
    assert not waiting & till.done()

    tenant.kubectl("annotate", "mr", "pos", f"{HELD}-")
    ledger = till.settled()
    assert ledger.done == waiting | others
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
