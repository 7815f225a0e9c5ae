"""Reads a route as it is written for kubectl, as far as its steps go. Pure.

What the API server fills in and the operator refuses is done here again for one merchant alone, so that nothing of a
cluster is needed.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.orders.steps.endpoint_variables import fill_in_merchant
from merchantroute_worker.orders.steps.shape import Shape, parse_shape
from merchantroute_worker.orders.steps.step import Step, parse_step

DEFAULT_STEPS: list[dict[str, Any]] = [
    {"name": "validate", "method": "POST", "path": "/orders/validate"},
    {"name": "submit", "method": "POST", "path": "/orders"},
    {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"},
]
"""The steps of a route that says none, as its definition has them."""
_REQUEST = ("method", "path", "query", "headers", "body")
_AS_THEY_ARE = ("capture", "success", "skipWhen", "maxAttempts")
_KEYS = {"Bearer": "Bearer <key token of Secret {}>", "Basic": "Basic <keys username and password of Secret {}>"}


class Planned(NamedTuple):
    """What one merchant's orders would meet: its steps, and patterns of the hosts that are called by http://."""

    merchant: Merchant
    steps: tuple[tuple[Step, Shape], ...]
    insecure_hosts: tuple[str, ...]
    note: str | None = None


def planned(documents: Iterable[Any], merchant_id: str) -> Planned:
    """Find the route and the merchant among the documents of a file; Problem says what is missing or wrong."""
    objects = [each for each in documents if isinstance(each, dict)]
    routes = [each for each in objects if each.get("kind") == "MerchantRoute"]
    if len(routes) != 1:
        raise Problem(f"the file has {len(routes)} MerchantRoutes: give one with exactly one")
    try:
        return _planned(routes[0]["spec"], objects, merchant_id)
    except (KeyError, TypeError, AttributeError) as error:
        raise Problem(
            f"the route is not as its definition says ({error!r}): kubectl apply --dry-run=server says more"
        ) from None


def _planned(spec: Mapping[str, Any], objects: list[dict[str, Any]], merchant_id: str) -> Planned:
    entry = _entry(spec, objects, merchant_id)
    orders = spec.get("orders") or {}
    workflow = entry.get("workflow")
    lists = {each["name"]: each["steps"] for each in orders.get("workflows") or ()}
    if workflow is not None and workflow not in lists:
        raise Problem(f"the route has no workflow {workflow}: it has {', '.join(sorted(lists)) or 'none'}")
    steps = tuple(_step(each) for each in (lists[workflow] if workflow else orders.get("steps") or DEFAULT_STEPS))
    credentials = entry.get("credentials")
    credential, note = _credential(credentials) if credentials else (None, None)
    merchant = Merchant(
        id=merchant_id,
        endpoint=fill_in_merchant(entry["endpoint"], merchant_id).rstrip("/"),
        credential=credential,
        fields=entry.get("fields") or {},
    )
    return Planned(merchant, steps, _insecure_hosts(spec), note)


def _insecure_hosts(spec: Mapping[str, Any]) -> tuple[str, ...]:
    if (spec.get("orders") or {}).get("allowInsecure"):
        return ("*",)
    return tuple((spec.get("egress") or {}).get("insecureHosts") or ())


def _entry(spec: Mapping[str, Any], objects: list[dict[str, Any]], merchant_id: str) -> Mapping[str, Any]:
    """The merchant's entry in the route, its Merchant object, or what merchants have that nobody lists."""
    for each in spec.get("merchants") or ():
        if each["id"] == merchant_id:
            return dict(each)
    for each in objects:
        if each.get("kind") == "Merchant" and (each["spec"].get("id") or each["metadata"]["name"]) == merchant_id:
            return dict(each["spec"])
    if spec.get("defaultEndpoint"):
        return {"endpoint": spec["defaultEndpoint"]}
    known = [each["id"] for each in spec.get("merchants") or ()][:5]
    raise Problem(
        f"neither the route nor a Merchant in the file has the merchant {merchant_id}, and there is no "
        f"defaultEndpoint: the route lists {', '.join(known) or 'none'}"
    )


def _step(raw: Mapping[str, Any]) -> tuple[Step, Shape]:
    """A step as a pod reads it; Problem says what no pod would read."""
    document: dict[str, Any] = {
        "name": raw["name"],
        "request": {key: raw[key] for key in _REQUEST if key in raw},
        **{key: raw[key] for key in _AS_THEY_ARE if key in raw},
        "answers": {row["answer"]: row["then"] for row in raw.get("answers") or ()},
    }
    if "verify" in raw:
        document["verify"] = {"method": "GET", **raw["verify"]}
    try:
        return parse_step(document), parse_shape(document)
    except (ValueError, TypeError) as error:
        raise Problem(f"step {raw['name']}: {error}") from None


def _credential(credentials: Mapping[str, Any]) -> tuple[Credential | None, str | None]:
    """A header that names the Secret in place of what it holds; a note where the header's name is in the Secret too."""
    secret = credentials["secretRef"]["name"]
    shown = _KEYS.get(credentials["type"])
    if shown is None:
        return None, f"each request has the header of Secret {secret} as well"
    return Credential(header="Authorization", value=shown.format(secret)), None
