"""Orders through a route, while a platform team works on it with `kubectl apply`."""

import re
from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import merchant, route, tier
from tests.e2e.tenant import Tenant

COLUMNS = ("NAME", "READY", "REASON", "QUEUED", "RETRYING", "IN-FLIGHT", "DEAD", "PODS", "WANTED", "ISOLATED", "AGE")


def test_good_orders_are_done_and_malformed_ones_are_dead_letters_with_a_reason(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(
        tenant.worker_secret("workers"), route("pos", merchants={"flow-a": "standard"}, worker_secret="workers")
    )
    tenant.ready("pos")
    till = web_shop(tenant, "pos")

    good = till.publish("flow-a", 100)
    wrong = till.publish_malformed("flow-a", 6)

    ledger = till.settled()
    assert ledger.done == good
    assert dict(ledger.reasons) == wrong
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    until(
        lambda: _columns(tenant)["DEAD"] == "6", "kubectl get mr counts the dead letters", 30, lambda: _columns(tenant)
    )
    shown = _columns(tenant)
    assert tuple(shown) == COLUMNS
    assert (shown["READY"], shown["REASON"], shown["QUEUED"], shown["PODS"]) == ("True", "AsWanted", "0", "1")


def test_a_route_is_tuned_grown_and_rearranged_while_orders_flow(tenant: Tenant, web_shop: OpenWebShop) -> None:
    """Concurrency, then an env, then a new tier, then a merchant's move: one stream of orders through all four."""
    merchants = {"tune-a": "standard", "tune-b": "standard", "tune-c": "small"}
    tiers = [tier("standard"), tier("small", concurrency=5)]
    tenant.apply(route("pos", tiers=tiers, merchants=merchants), server_side=False)
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    with till.stream(list(merchants), rate=20):
        until(lambda: len(till.done()) > 20, "orders flow")
        before = _names(tenant)

        tiers = [tier("standard", concurrency=7), tier("small", concurrency=5)]
        tenant.apply(route("pos", tiers=tiers, merchants=merchants), server_side=False)
        tenant.ready("pos")
        until(partial(_all_know_the_newest, tenant, "standard"), "the tuned tier's pod has loaded what was applied")
        assert _names(tenant) == before, "a change of concurrency replaces no pod"

        tiers = [
            tier("standard", concurrency=7),
            {**tier("small", concurrency=5), "env": [{"name": "A", "value": "1"}]},
        ]
        tenant.apply(route("pos", tiers=tiers, merchants=merchants), server_side=False)
        tenant.ready("pos")
        until(lambda: len(before - _names(tenant)) == 1, "the old pod of the tier with another env is gone, no other")

        tiers.append(tier("big", concurrency=8))
        merchants["tune-d"] = "big"
        tenant.apply(route("pos", tiers=tiers, merchants=merchants), server_side=False)
        tenant.ready("pos")
        fresh = till.publish("tune-d", 10)
        until(lambda: fresh <= till.done(), "orders of the new tier are done")
        assert till.tiers(fresh) == {"big"}

        merchants["tune-a"] = "big"
        pods = _names(tenant)
        tenant.apply(route("pos", tiers=tiers, merchants=merchants), server_side=False)
        tenant.ready("pos")
        moved = till.publish("tune-a", 10)
        until(lambda: moved <= till.done(), "orders of the moved merchant are done")
        assert till.tiers(moved) == {"big"}
        assert _names(tenant) == pods, "moving a merchant replaces no pod"

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert till.tiers(till.of("tune-a")) == {"standard", "big"}
    assert till.tiers(till.of("tune-b")) == {"standard"}


def test_a_tier_of_threads_has_new_pods_for_another_concurrency_and_loses_no_order(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    """Threads are started with the pod; a greenlet is started for each order."""
    tiers = [tier("standard"), {**tier("threaded", concurrency=3), "pool": "threads"}]
    merchants = {"calm": "standard", "woven": "threaded"}
    tenant.apply(route("pos", tiers=tiers, merchants=merchants))
    tenant.ready("pos")
    assert _arguments(tenant, "threaded")[-4:] == ["--pool", "threads", "--concurrency", "3"]
    assert "--concurrency" not in _arguments(tenant, "standard")
    till = web_shop(tenant, "pos")
    with till.stream(list(merchants), rate=10):
        until(lambda: len(till.done()) > 10, "orders flow")
        before = _names(tenant)
        tiers[1]["concurrency"] = 5
        tenant.apply(route("pos", tiers=tiers, merchants=merchants))
        tenant.ready("pos")
        until(lambda: len(before - _names(tenant)) == 1, "the old pod of the threaded tier is gone, no other")

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert till.tiers(till.of("woven")) == {"threaded"}


def test_a_merchant_moves_under_load_and_no_order_is_lost_or_copied(tenant: Tenant, web_shop: OpenWebShop) -> None:
    """There and back, several times, at a rate at which every step of a move meets orders."""
    tiers = [tier("here", concurrency=20), tier("there", concurrency=20)]
    others = [merchant("stay-here", "here"), merchant("stay-there", "there")]
    tenant.apply(route("pos", tiers=tiers, merchants=[merchant("nomad", "here"), *others]))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    with till.stream(["nomad", "stay-here", "nomad", "stay-there"], rate=40):
        for destination in ("there", "here", "there"):
            tenant.apply(route("pos", tiers=tiers, merchants=[merchant("nomad", destination), *others]))
            tenant.ready("pos")
            arrived = till.publish("nomad", 5)
            until(partial(till.are_done, arrived), f"orders arrive {destination}")
            assert till.tiers(arrived) == {destination}

    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert till.tiers(till.of("stay-here")) == {"here"}
    assert till.tiers(till.of("stay-there")) == {"there"}


def _columns(tenant: Tenant) -> dict[str, str]:
    """What `kubectl get mr` shows, by column; a cell may be empty, so each is cut out beneath its heading."""
    head, values = tenant.kubectl("get", "mr", "pos").splitlines()
    starts = [found.start() for found in re.finditer(r"\S+", head)]
    cells = zip(starts, [*starts[1:], None], strict=True)
    return {head[start:end].strip(): values[start:end].strip() for start, end in cells}


def _names(tenant: Tenant) -> set[str]:
    return {pod["metadata"]["name"] for pod in tenant.pods("pos")}


def _all_know_the_newest(tenant: Tenant, of: str) -> bool:
    """Whether every pod of the tier has loaded the newest configuration, as the route's status tells it."""
    newest = (tenant.route("pos") or {})["status"].get("configGeneration")
    return bool(newest and tenant.lane("pos", of).get("configGeneration") == newest)


def _arguments(tenant: Tenant, of: str) -> list[str]:
    (deployment,) = tenant.deployments("pos", of)
    found: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return found
