"""Changes of how a route's orders are worked: limits, steps, retries, pods."""

from __future__ import annotations

from tests.e2e.changes.site import ROUTE, Json, Site, tier_of
from tests.e2e.routes import IMAGE

STANDARD = "standard"


def concurrency(site: Site) -> None:
    """Up and down again, in running pods."""
    before = site.names()
    for slots in (25, 6):
        site.apply(lambda spec, slots=slots: tier_of(spec, STANDARD).update(concurrency=slots))  # type: ignore[misc]
        site.knows(STANDARD)
    assert site.names() == before, "a change of concurrency replaces no pod"


def limits(site: Site) -> None:
    """Time-outs and the cap of a merchant, in running pods."""
    before = site.names()

    def edit(spec: Json) -> None:
        spec["orders"].update(callTimeout="3s", deadline="5s")
        tier_of(spec, STANDARD)["maxInFlightPerMerchant"] = 4

    site.apply(edit)
    site.knows(STANDARD)
    assert site.names() == before, "a change of limits replaces no pod"


def steps(site: Site) -> None:
    """A second step, and the first alone again: an order goes on with the steps that it began with."""
    one = site.document["spec"]["orders"]["steps"]
    more = [*one, {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"}]
    for chosen in (more, one):
        site.apply(lambda spec, chosen=chosen: spec["orders"].update(steps=chosen))  # type: ignore[misc]
        site.knows(STANDARD)


def retry_delays(site: Site) -> None:
    """Other rungs while orders wait on the old ones: a removed rung stays until it is empty."""
    before = _rungs(site)
    site.web_shop.behave("shop-a", error_rate=0.3)
    for delays in (["1s", "3s"], ["500ms", "1s"]):
        site.apply(lambda spec, delays=delays: spec["orders"]["retry"].update(delays=delays))  # type: ignore[misc]
        site.knows(STANDARD)
    site.web_shop.behave("shop-a")
    site.until(lambda: _rungs(site) == before, "the rungs that were taken away are gone")


def _rungs(site: Site) -> set[str]:
    found = site.tenant.queues(ROUTE)
    return {name.rpartition(".")[2] for name in found if name.startswith(f"{STANDARD}.retry.")}


def pool(site: Site) -> None:
    """Threads instead of greenlets, and back: new pods each time."""
    for chosen in ("threads", "gevent"):
        before = _pods(site)
        site.apply(lambda spec, chosen=chosen: tier_of(spec, STANDARD).update(pool=chosen))  # type: ignore[misc]
        site.rolled(before, len(before))


def image(site: Site) -> None:
    """The same image by its long name: for Kubernetes another one."""
    before = site.names()
    site.apply(lambda spec: spec["worker"].update(image=f"docker.io/library/{IMAGE}"))
    site.rolled(before, len(before))


def app(site: Site) -> None:
    """The post's module, which is the same app by another name."""
    before = _pods(site)
    site.apply(lambda spec: tier_of(spec, STANDARD).update(app="merchantroute_worker.gcelery"))
    site.rolled(before, len(before))


def _pods(site: Site) -> set[str]:
    pods = site.tenant.pods(ROUTE)
    return {
        pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"].get("merchantroute.dev/tier") == STANDARD
    }
