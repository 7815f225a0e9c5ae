import time
from collections.abc import Iterator

from tests.contract.crd.routes import Json
from tests.harness.cluster import Kubectl

PATIENCE = 60.0  # seconds that the API server may take to publish a new schema
BELOW = ("items", "additionalProperties")


def fields(schema: Json, path: str = "mr") -> Iterator[tuple[str, Json]]:
    """Every field of the schema by its path, what stands in lists and maps included."""
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    for below in BELOW:
        if below in schema:
            yield f"{path}[]", schema[below]
            yield from fields(schema[below], f"{path}[]")


def test_every_field_has_a_description(schema: Json) -> None:
    ours = [(path, field) for path, field in fields(schema) if not path.startswith("mr.metadata")]
    assert len(ours) > 150
    assert not [path for path, field in ours if not field.get("description", "").strip()]


def test_every_string_list_and_map_is_bounded(schema: Json) -> None:
    """Without bounds the API server assumes the largest request for each, and refuses rules on them as too dear."""
    bound = {"string": "maxLength", "array": "maxItems"}
    for path, field in fields(schema):
        if field.get("enum") or field.get("format") == "date-time" or path in {"mr.apiVersion", "mr.kind"}:
            continue
        if field.get("type") in bound:
            assert bound[field["type"]] in field, path
        if "additionalProperties" in field:
            assert "maxProperties" in field, path


def test_kubectl_explain_tells_it_to_users(definition: str, kubectl: Kubectl) -> None:
    for path, words in {
        "mr": "forwards orders to merchants' own systems",
        "merchantroute.spec.orders.maxAge": "goes to dead letters",
        "mroute.spec.tiers.scaling.minReplicas": "lets an idle tier have none",
        "mr.spec.broker.users": "read its own lane's queue",
        "mr.spec.orders.retry.answers.then": "takes the step as done",
        "mr.spec.orders.steps.capture": "Values of the answer that are kept with the order",
        "mr.spec.orders.workflows.steps.body": "What the request sends, one of send, json and form",
        "mr.spec.merchants.fields": "Values of the merchant for its steps' templates",
        "mr.spec.orders.steps.verify": "asks the merchant whether it has done this step",
        "mr.spec.tiers.env.valueFrom.secretKeyRef": "A key of a Secret",
        "mr.spec.tiers.pool": "prefork runs each in a process of its own",
        "mr.spec.tiers.canary.weight": "Percent of the tier's orders",
        "mr.spec.tiers.canary.steps": "as soon as the canary is worse",
        "mr.spec.isolation": "what such a merchant's orders wait for, the others' do not",
        "mr.spec.isolation.mode": "DryRun decides and tells the same and opens none",
        "mr.spec.isolation.merchantLimits": "What each merchant of the route bears at most",
        "mr.spec.tiers.merchantLimits.maxInFlight": "over all pods",
        "mr.spec.merchants.limits.maxRate": "0.5 is one every two seconds",
        "mr.spec.merchants.group": "those whose endpoint has the same host",
        "mr.status.ownQueues.why": "it sends more orders than there are slots for",
        "merchants.merchantroute.dev.spec.limits": "What the merchant's system bears",
        "merchants.merchantroute.dev.spec.group": "When a group fails, all of its merchants get own queues",
        "merchants.merchantroute.dev.status.ownQueue": "The queue of its own that it has for now",
        "mr.status.canaries.phase": "Aborted gets nothing until",
        "mr.status.lanes.lane": "orders that may have killed a pod",
        "mr.status.lanes.orderTime": "Seconds that one attempt holds a slot",
    }.items():
        assert words in explained(kubectl, path, words)


def explained(kubectl: Kubectl, path: str, words: str) -> str:
    """Ask until the API server has published the schema, which it does some time after it began to serve it."""
    give_up = time.monotonic() + PATIENCE
    while True:
        text = " ".join(kubectl("explain", path, check=False).split())
        if words in text or time.monotonic() > give_up:
            return text
