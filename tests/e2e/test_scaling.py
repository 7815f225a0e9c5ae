"""Pods follow orders: none while there is nothing to do, and from none straight to what is needed."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import route, tier
from tests.e2e.tenant import Tenant

MOST = 3


def test_a_burst_brings_a_tier_from_zero_to_all_it_needs_in_one_step_and_back(
    tenant: Tenant, web_shop: OpenWebShop, tmp_path: Path
) -> None:
    # One slot and two seconds an order: even a part of the burst needs more than the three pods that are allowed.
    sleepy = tier(
        "sleepy",
        concurrency=1,
        minReplicas=0,
        maxReplicas=MOST,
        targetDrainTime="1s",
        assumedOrderTime="2s",
        scaleDownAfter="5s",
    )
    tenant.apply(route("pos", tiers=[sleepy], merchants={"burst": "sleepy"}))
    tenant.ready("pos")
    assert tenant.pods("pos") == []
    assert _replicas(tenant) == 0
    till = web_shop(tenant, "pos")

    with _watched(tenant, tmp_path / "replicas") as replicas:
        orders = till.publish("burst", 40)
        until(lambda: orders <= till.done(), "the burst is done", 90, lambda: tenant.tell("pos"))
        until(lambda: replicas()[-1:] == [0], "no pods any more", 90, replicas)
        seen = replicas()

    ledger = till.settled()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert seen[:2] == [0, MOST], "one step up"
    assert seen[1:] == sorted(seen[1:], reverse=True), "and never up again on the way down"
    tenant.told("pos", f"From 0 to {MOST} pods", f"From {seen[-2]} to 0 pods")


def _replicas(tenant: Tenant) -> int:
    (deployment,) = tenant.deployments("pos", "sleepy")
    return int(deployment["spec"].get("replicas", 0))


@contextmanager
def _watched(tenant: Tenant, file: Path) -> Iterator[Callable[[], list[int]]]:
    """Every number of replicas that the Deployment ever asked for, by a watch, equal neighbours as one."""
    (deployment,) = tenant.deployments("pos", "sleepy")
    name, shown = deployment["metadata"]["name"], 'jsonpath={.spec.replicas}{"\\n"}'
    command = ["kubectl", "-n", tenant.namespace, "get", "deployment", name, "--watch", "-o", shown]
    with file.open("w") as log, subprocess.Popen(command, stdout=log, stdin=subprocess.DEVNULL) as process:
        try:
            until(file.read_text, "the watch has begun")
            yield lambda: [int(value) for value, _ in groupby(file.read_text().split())]
        finally:
            process.kill()
