"""A tier's canary, as the status tells of it and as the broker is bound."""

from collections import Counter
from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

ROUTE = "pos"
TIER = "standard"
ANNOTATION = "merchantroute.dev/canary"
ONE_POD = {"minReplicas": 1, "maxReplicas": 1, "assumedOrderTime": "500ms"}
STARTS = 120.0  # seconds that a pod may take
TURNS = 60.0  # seconds; a bound, not a measure


def parts(tenant: Tenant) -> dict[str, int]:
    """Lane -> parts of a hundred of the tier's orders; {} where none are parted."""
    door = f"mr.{tenant.namespace}.{ROUTE}.{TIER}"
    ways = tenant.rabbit("GET", f"exchanges/{{vhost}}/{door}/bindings/source") or []
    splits = [each["destination"] for each in ways]
    assert len(splits) <= 1, f"an order would get copies: {splits}"
    shares = [each for split in splits for each in tenant.rabbit("GET", _bindings(split)) or []]
    return {each["destination"].removeprefix(f"{door}."): int(each["routing_key"]) for each in shares}


def reaches(tenant: Tenant, phase: str, weight: int) -> None:
    """Wait until the status says so of the canary, and the broker does so."""
    until(partial(_is, tenant, phase, weight), f"{phase} at {weight} %", STARTS, partial(tenant.tell, ROUTE))


def annotate(tenant: Tenant, verb: str) -> None:
    """`kubectl annotate`, as the docs write it."""
    tenant.kubectl("annotate", "mr", ROUTE, f"{ANNOTATION}={verb}:{TIER}")


def is_told(tenant: Tenant) -> None:
    """Wait until the operator has taken the annotation away."""
    until(lambda: ANNOTATION not in _annotations(tenant), "the annotation is taken away", TURNS)


def lanes_of(web_shop: WebShop, orders: set[str]) -> Counter[str]:
    """How many of the orders which lane's pods did; a pod's name holds its lane."""
    pods = (web_shop.observed.completions[order][0].pod for order in orders)
    return Counter("canary" if f"{ROUTE}-{TIER}-canary-" in pod else "stable" for pod in pods)


def queued(tenant: Tenant) -> int:
    """Messages in the canary's queue."""
    return tenant.queues(ROUTE).get(f"{TIER}.canary", 0)


def has_pods(tenant: Tenant) -> bool:
    """Whether the canary has a Deployment."""
    labels = [each["metadata"]["labels"] for each in tenant.deployments(ROUTE, TIER)]
    return any(each["merchantroute.dev/lane"] == "canary" for each in labels)


def _is(tenant: Tenant, phase: str, weight: int) -> bool:
    found = (tenant.route(ROUTE) or {}).get("status", {}).get("canaries", [])
    told = [(each["phase"], each["weight"]) for each in found] == [(phase, weight)]
    return told and parts(tenant).get("canary", 0) == weight


def _annotations(tenant: Tenant) -> dict[str, str]:
    return (tenant.route(ROUTE) or {"metadata": {}})["metadata"].get("annotations") or {}


def _bindings(exchange: str) -> str:
    return f"exchanges/{{vhost}}/{exchange}/bindings/source"
