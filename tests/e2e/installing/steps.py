"""A step of an upgrade while orders flow: what it did to the workers' pods and to the orders."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.changes.site import Site

AFTERWARDS = 200  # orders that are done after a step before it counts as over
ONE_STEP = 300.0  # seconds; a bound, not a measure


@dataclass(frozen=True)
class Step:
    """A line of the table.

    ``in_flight`` orders were open when the step began. ``rollouts`` counts changed templates by Deployment; ``gap_ms``
    is the longest time in which no order was done.
    """

    step: str
    seconds: float
    in_flight: int
    rollouts: dict[str, int]
    pods_replaced: int
    gap_ms: int

    def document(self) -> dict[str, Any]:
        """As it is in build/upgrade.json."""
        return asdict(self)


def taken(name: str, site: Site, act: Callable[[], None], rollouts: int) -> Step:
    """Act, wait until every Deployment of the route has been rolled out so many times, and say what that did."""
    before, pods = revisions(site), running(site)
    in_flight, begun = len(site.web_shop.observed.open()), time.time()
    act()
    wanted = {deployment: revision + rollouts for deployment, revision in before.items()}
    site.until(partial(_settled, site, wanted), f"{name}: revisions {wanted}, and no pod that goes")
    seconds = round(time.time() - begun, 1)
    so_far = len(site.web_shop.done())
    until(lambda: len(site.web_shop.done()) > so_far + AFTERWARDS, "orders flow on", ONE_STEP)
    after = revisions(site)
    return Step(
        step=name,
        seconds=seconds,
        in_flight=in_flight,
        rollouts={deployment: after[deployment] - before[deployment] for deployment in after},
        pods_replaced=len(pods - running(site)),
        gap_ms=_gap(site, begun, time.time()),
    )


def revisions(site: Site) -> dict[str, int]:
    """How often each Deployment's template has changed."""
    found = site.tenant.deployments("pos")
    return {each["metadata"]["name"]: int(each["metadata"]["annotations"][REVISION]) for each in found}


REVISION = "deployment.kubernetes.io/revision"


def running(site: Site) -> set[str]:
    """The pods, by name and number of restarts: a container that was started again is another one."""
    return {
        f"{pod['metadata']['name']} {sum(each['restartCount'] for each in pod['status']['containerStatuses'])}"
        for pod in site.tenant.pods("pos")
    }


def _settled(site: Site, wanted: dict[str, int]) -> bool:
    found = site.tenant.deployments("pos")
    return revisions(site) == wanted and all(map(_is_rolled_out, found)) and _count(found) == len(site.names())


def _count(deployments: list[dict[str, Any]]) -> int:
    return sum(int(each["spec"]["replicas"]) for each in deployments)


def _is_rolled_out(deployment: dict[str, Any]) -> bool:
    status, replicas = deployment["status"], deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(each, 0) for each in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
    return seen and counts == {replicas}


def _gap(site: Site, begun: float, ended: float) -> int:
    told = list(site.web_shop.observed.completions.values())  # which grow while they are looked at
    within = sorted(one.finished_at for said in told for one in said if begun * 1000 <= one.finished_at <= ended * 1000)
    return max((later - earlier for earlier, later in pairwise(within)), default=0)
