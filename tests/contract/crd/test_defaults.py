from tests.contract.crd.conftest import Ask
from tests.contract.crd.routes import Json

ORDERS: Json = {
    "steps": [
        {"name": "validate", "method": "POST", "path": "/orders/validate"},
        {"name": "submit", "method": "POST", "path": "/orders"},
        {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"},
    ],
    "callTimeout": "10s",
    "deadline": "30s",
    "maxAge": "24h",
    "allowInsecure": False,
    "retry": {"maxAttempts": 8, "delays": ["1s", "15s", "2m"], "retryAfterMax": "10m"},
}
SCALING = {
    "minReplicas": 1,
    "maxReplicas": 10,
    "targetDrainTime": "30s",
    "scaleDownAfter": "2m",
    "assumedOrderTime": "2s",
    "paused": False,
}
ISOLATION = {"mode": "Automatic", "maxTrippedShare": 0.5, "maxOwnQueues": 200}
TIER = {"pool": "gevent", "concurrency": 100, "scaling": SCALING}
DELETION = {"policy": "Drain", "timeout": "15m", "onTimeout": "Retain", "deadLetters": "Retain"}


def spec_of(changed: Ask, changes: Json) -> Json:
    answer = changed(changes)
    assert answer.stored, answer
    spec: Json = answer.stored["spec"]
    return spec


def test_the_smallest_route_gets_every_default(changed: Ask) -> None:
    assert spec_of(changed, {}) == {
        "broker": {"secretRef": {"name": "rabbitmq"}, "users": "Given"},
        "worker": {"image": "worker:1", "app": "merchantroute_worker.app", "events": False},
        "orders": ORDERS,
        "isolation": ISOLATION,
        "defaultTier": "standard",
        "tiers": [{"name": "standard", **TIER}],
        "networkPolicy": "Managed",
        "paused": False,
        "deletion": DELETION,
    }


def test_one_field_of_a_group_leaves_the_others_at_their_defaults(changed: Ask) -> None:
    spec = spec_of(
        changed,
        {
            "spec.orders.callTimeout": "5s",
            "spec.orders.retry.maxAttempts": 3,
            "spec.tiers.0.scaling.maxReplicas": 2,
            "spec.isolation.mode": "DryRun",
            "spec.deletion.policy": "Force",
        },
    )
    retry = {**ORDERS["retry"], "maxAttempts": 3}
    assert spec["orders"] == {**ORDERS, "callTimeout": "5s", "retry": retry}
    assert spec["tiers"][0]["scaling"] == {**SCALING, "maxReplicas": 2}
    assert spec["isolation"] == {**ISOLATION, "mode": "DryRun"}
    assert spec["deletion"] == {**DELETION, "policy": "Force"}


def test_a_step_is_verified_with_a_get(changed: Ask) -> None:
    step = {"name": "submit", "method": "POST", "path": "/orders", "verify": {"path": "/orders/{order_id}"}}
    stored = spec_of(changed, {"spec.orders.steps": [step]})["orders"]["steps"][0]
    assert stored["verify"] == {"method": "GET", "path": "/orders/{order_id}"}


def test_a_tier_overrides_nothing_by_itself(changed: Ask) -> None:
    tier = spec_of(changed, {"spec.worker.app": "shop.gcelery"})["tiers"][0]
    assert "app" not in tier
    assert "image" not in tier
