"""Changes of where orders go: merchants and tiers come, go and move."""

from __future__ import annotations

from tests.e2e import operator_pods
from tests.e2e.changes.site import Json, Site, merchant_of
from tests.e2e.routes import merchant, tier


def merchant_moved(site: Site) -> None:
    """There and back."""
    for destination in ("small", "standard"):
        site.apply(lambda spec, to=destination: merchant_of(spec, "shop-a").update(tier=to))  # type: ignore[misc]
        site.arrives("shop-a", destination)


def merchant_added(site: Site) -> None:
    """Its first orders come before its entry: they wait for it."""
    early = site.web_shop.publish("shop-new", 10)
    site.apply(lambda spec: spec["merchants"].append(merchant("shop-new", "small")))
    site.arrives("shop-new", "small")
    site.until(lambda: site.web_shop.are_done(early), "the orders that came early are done")


def merchant_removed(site: Site) -> None:
    """One whose orders are all done."""
    last = site.web_shop.publish("shop-old", 20)
    site.until(lambda: site.web_shop.are_done(last), "its last orders are done")
    site.apply(lambda spec: spec["merchants"].remove(merchant_of(spec, "shop-old")))
    site.knows("small")


def tier_added(site: Site) -> None:
    """And a merchant goes there."""

    def edit(spec: Json) -> None:
        spec["tiers"].append(tier("fresh"))
        merchant_of(spec, "shop-a").update(tier="fresh")

    site.apply(edit)
    site.arrives("shop-a", "fresh")


def tier_removed(site: Site) -> None:
    """With orders in it: it drains before it goes."""

    def edit(spec: Json) -> None:
        spec["tiers"] = [one for one in spec["tiers"] if one["name"] != "small"]
        for entry in spec["merchants"]:
            entry["tier"] = "standard"

    site.web_shop.publish("shop-c", 100)
    site.apply(edit)
    site.arrives("shop-c", "standard")
    site.empty("small")


def tier_replaced(site: Site) -> None:
    """By one of another name, in one apply; it was the default one, too."""

    def edit(spec: Json) -> None:
        spec["tiers"] = [tier("renamed", concurrency=20) if one["name"] == "standard" else one for one in spec["tiers"]]
        spec["defaultTier"] = "renamed"
        for entry in spec["merchants"]:
            entry["tier"] = entry["tier"].replace("standard", "renamed")

    site.apply(edit)
    site.arrives("shop-a", "renamed")
    site.empty("standard")


def default_tier(site: Site) -> None:
    """Orders of merchants that nobody listed yet wait there until they are."""
    site.apply(lambda spec: spec.update(defaultTier="small"))
    early = site.web_shop.publish("shop-new", 5)
    site.apply(lambda spec: spec["merchants"].append(merchant("shop-new", "standard")))
    site.until(lambda: site.web_shop.are_done(early), "orders of a merchant that came before its entry are done")
    site.apply(lambda spec: spec.update(defaultTier="standard"))


def operator_killed(site: Site) -> None:
    """In the midst of a move: the next one completes it."""
    operator_pods.kill(site.tenant.installation)
    merchant_moved(site)
