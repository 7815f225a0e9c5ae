"""Changes of a canary's share: by hand, and both ways to end one."""

from __future__ import annotations

from tests.e2e import canaries
from tests.e2e.changes.site import Json, Site, tier_of

WOVEN: Json = {"pool": "threads", "concurrency": 10, "scaling": canaries.ONE_POD}
LEGACY: Json = {"pool": "prefork", "concurrency": 6, "scaling": canaries.ONE_POD}


def canary_by_hand(site: Site) -> None:
    """A legacy pool beside gevent: started, given a little, half, all and none of the orders."""
    for weight in (5, 50, 100, 0):
        _at(site, weight, LEGACY)


def canary_promoted(site: Site) -> None:
    """From a fifth to all."""
    _at(site, 20)
    canaries.annotate(site.tenant, "promote")
    canaries.reaches(site.tenant, "Promoted", 100)
    canaries.is_told(site.tenant)


def canary_aborted(site: Site) -> None:
    """From half to nothing; its pods go."""
    _at(site, 50)
    canaries.annotate(site.tenant, "abort")
    canaries.reaches(site.tenant, "Aborted", 0)
    canaries.is_told(site.tenant)
    site.until(lambda: not canaries.has_pods(site.tenant), "the canary's Deployment is gone")


def _at(site: Site, weight: int, lane: Json = WOVEN) -> None:
    site.apply(lambda spec: tier_of(spec, canaries.TIER).update(canary={**lane, "weight": weight}))
    canaries.reaches(site.tenant, "Fixed", weight)
