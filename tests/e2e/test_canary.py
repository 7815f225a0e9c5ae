"""A canary under load: legacy pods beside gevent ones, orders diverted by percent, and switched back by hand.

The shop's books say that no step costs an order or makes it twice. A pod's name holds its lane.
"""

from collections import Counter
from functools import partial

from tests.e2e.conftest import Shopping
from tests.e2e.place import Place
from tests.e2e.routes import Json, route, tier
from tests.e2e.shop import Shop
from tests.e2e.waiting import until

NAME = "pos"
LANES = "merchantroute.dev/lane"
ANNOTATION = "merchantroute.dev/canary"
FEW = {"minReplicas": 1, "maxReplicas": 1, "assumedOrderTime": "500ms"}
LEGACY = {"pool": "prefork", "concurrency": 3, "scaling": FEW}
WOVEN = {"pool": "threads", "concurrency": 3, "scaling": FEW}
MERCHANTS = {"beside-a": "standard", "beside-b": "standard"}


def test_a_legacy_pool_is_given_5_then_50_then_all_orders_then_none_and_is_promoted(
    place: Place, shop: Shopping
) -> None:
    _apply(place, None)
    place.ready(NAME)
    till = shop(place, NAME)
    with till.stream(list(MERCHANTS), rate=20):
        until(till.done, "orders flow")
        for weight in (5, 50, 100, 0):
            _apply(place, {**LEGACY, "weight": weight})
            until(partial(_is, place, "Fixed", weight), f"the share is {weight}", 90, partial(place.tell, NAME))
            assert _parts(place) == ({"stable": 100 - weight, "canary": weight} if weight else {})
            _lanes_meet(place, till, weight)
        place.kubectl("annotate", "mr", NAME, f"{ANNOTATION}=promote:standard")
        until(partial(_is, place, "Promoted", 100), "the canary is promoted", 30, partial(place.tell, NAME))
        until(partial(_has_no_wish, place), "the annotation is taken away", 30)
        _lanes_meet(place, till, 100)

    _is_whole(till)
    assert "CanaryPromoted" in place.events(NAME)


def test_an_aborted_canary_gets_nothing_and_the_stable_lane_works_off_what_it_held(
    place: Place, shop: Shopping
) -> None:
    """Its three slots are fewer than half of the orders need, so that a backlog is there to be moved."""
    _apply(place, {**WOVEN, "weight": 50})
    until(partial(_is, place, "Fixed", 50), "half of the orders", 120, partial(place.tell, NAME))
    till = shop(place, NAME)
    for merchant in MERCHANTS:
        till.behave(merchant, latency={"p50_ms": 600})
    with till.stream(list(MERCHANTS), rate=8):
        until(lambda: _queued(place) >= 5, "the canary has a backlog", 60, lambda: place.queues(NAME))
        place.kubectl("annotate", "mr", NAME, f"{ANNOTATION}=abort:standard")
        until(partial(_is, place, "Aborted", 0), "the canary is aborted", 30, partial(place.tell, NAME))
        assert _parts(place) == {}
        for merchant in MERCHANTS:
            till.behave(merchant)
        fresh = till.publish("beside-b", 20)
        until(partial(till.are_done, fresh), "orders are done by the stable lane")
        assert set(_lanes_of(till, fresh)) == {"stable"}
        until(partial(_has_no_wish, place), "the annotation is taken away", 30)
        until(lambda: not _deployment(place), "the canary's Deployment is gone", 60)

    _is_whole(till)
    assert "by annotation, at 50 % of the orders" in place.events(NAME)["CanaryAborted"]
    assert not place.queues(NAME).get("standard.canary")


def _apply(place: Place, canary: Json | None) -> None:
    only = {**tier("standard", concurrency=40), **({"canary": canary} if canary is not None else {})}
    place.apply(route(NAME, tiers=[only], merchants=MERCHANTS))


def _is(place: Place, phase: str, weight: int) -> bool:
    """Whether the status says so of the canary, and the broker does so."""
    found = (place.route(NAME) or {}).get("status", {}).get("canaries", [])
    told = [(each["phase"], each["weight"]) for each in found] == [(phase, weight)]
    return told and _parts(place).get("canary", 0) == weight


def _parts(place: Place) -> dict[str, int]:
    """Lane -> parts of a hundred of the tier's orders, as the broker is bound; {} where none are parted."""
    door = f"mr.{place.namespace}.{NAME}.standard"
    ways = place.rabbit("GET", f"exchanges/{{vhost}}/{door}/bindings/source") or []
    (split,) = [each["destination"] for each in ways] or [""]
    if not split:
        return {}
    shares = place.rabbit("GET", f"exchanges/{{vhost}}/{split}/bindings/source") or []
    found = {each["destination"].removeprefix(f"{door}."): int(each["routing_key"]) for each in shares}
    return {"stable": 0, "canary": 0, **found}


def _lanes_meet(place: Place, till: Shop, weight: int) -> None:
    """Orders published now are done by the lanes that the weight names."""
    fresh = till.publish("beside-a", 100)
    until(partial(till.are_done, fresh), f"orders are done at {weight} %", 60, lambda: place.queues(NAME))
    lanes = _lanes_of(till, fresh)
    if weight in (0, 100):
        assert set(lanes) == {"canary" if weight else "stable"}
    elif weight == 50:
        assert 20 < lanes["canary"] < 80  # six standard deviations


def _lanes_of(till: Shop, orders: set[str]) -> Counter[str]:
    return Counter("canary" if "-canary-" in till.roll.completions[order][0].pod else "stable" for order in orders)


def _queued(place: Place) -> int:
    return place.queues(NAME).get("standard.canary", 0)


def _has_no_wish(place: Place) -> bool:
    return ANNOTATION not in ((place.route(NAME) or {})["metadata"].get("annotations") or {})


def _deployment(place: Place) -> list[Json]:
    return [each for each in place.deployments(NAME, "standard") if each["metadata"]["labels"][LANES] == "canary"]


def _is_whole(till: Shop) -> None:
    """Nothing lost, nothing doubled, nothing dead."""
    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, dict(ledger.reasons)) == (0, set(), {})
