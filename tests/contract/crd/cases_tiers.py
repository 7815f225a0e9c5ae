"""Tiers, their scaling, and what becomes of orders when the route is deleted."""

from __future__ import annotations

from tests.contract.crd.cases import refused
from tests.contract.crd.routes import REMOVED, Json

SCALING = "spec.tiers.0.scaling"
CAP = "spec.tiers.0.maxInFlightPerMerchant"

BOUNDS: dict[
    str, tuple[int, int, Json]
] = {  # field: lowest and highest, what else must be written for only this to be in question
    "spec.tiers.0.concurrency": (1, 2000, {}),
    CAP: (1, 2000, {}),
    f"{SCALING}.minReplicas": (0, 500, {f"{SCALING}.maxReplicas": 500}),
    f"{SCALING}.maxReplicas": (0, 500, {f"{SCALING}.minReplicas": 0}),
    "spec.orders.retry.maxAttempts": (1, 100, {}),
}
CANARY = "spec.tiers.0.canary"
CANARY_AT = "spec.tiers[0].canary"
WALK = {"steps": [5, 100]}
for field, low, high in (("weight", 0, 100), ("concurrency", 1, 2000), ("minOrders", 1, 1_000_000)):
    BOUNDS[f"{CANARY}.{field}"] = (low, high, {} if field == "weight" else {f"{CANARY}.steps": [5, 100]})
CHOICES = {
    "spec.tiers.0.pool": ("gevent", "threads", "prefork"),
    "spec.networkPolicy": ("Managed", "None"),
    "spec.broker.users": ("Given", "PerLane"),
    "spec.deletion.policy": ("Drain", "Retain", "Force"),
    "spec.deletion.onTimeout": ("Retain", "Force"),
    "spec.deletion.deadLetters": ("Retain", "Delete"),
}

REFUSED = [
    *(
        refused(path, wrong, f"Invalid value: {wrong}", f"{word} than or equal to {bound}", also=rest)
        for path, (low, high, rest) in BOUNDS.items()
        for wrong, word, bound in ((low - 1, "greater", low), (high + 1, "less", high))
    ),
    *(
        refused(path, wrong, f'"{wrong}"', *(f'"{choice}"' for choice in choices))
        for path, choices in CHOICES.items()
        for wrong in ("thread", "asyncio", choices[0].upper(), "")
    ),
    refused(f"{SCALING}.minReplicas", 11, "minReplicas 11 is above maxReplicas 10", "write minReplicas: 10 or less"),
    *(
        refused(CANARY, wrong, "write either weight", "or steps")
        for wrong in ({}, {"image": "worker:2"}, {"weight": 5, **WALK})
    ),
    *(
        refused(CANARY, {"weight": 5, **alone}, "write steps, or remove them")
        for alone in ({"interval": "10m"}, {"minOrders": 5}, {"maxFailureRatio": 0.1}, {"maxSlowdown": 2})
    ),
    *(
        refused(f"{CANARY}.steps", wrong, "do not rise", "such as [5, 25, 50, 100]")
        for wrong in ([50, 5], [5, 5, 100])
    ),
    refused(f"{CANARY}.steps", [], "at least 1 items"),
    refused(f"{CANARY}.steps", [0, 50], "greater than or equal to 1", at=f"{CANARY_AT}.steps[0]"),
    refused(f"{CANARY}.steps", [50, 101], "less than or equal to 100", at=f"{CANARY_AT}.steps[1]"),
    *(
        refused(f"{CANARY}.interval", wrong, "write", also={f"{CANARY}.steps": [5, 100]})
        for wrong in ("0s", "25h", "soon")
    ),
    refused(f"{CANARY}.maxFailureRatio", 1.5, "less than or equal to 1", also={f"{CANARY}.steps": [5, 100]}),
    refused(f"{CANARY}.maxSlowdown", 0.5, "greater than or equal to 1", also={f"{CANARY}.steps": [5, 100]}),
    refused(f"{CANARY}.scaling.minReplicas", 11, "minReplicas 11 is above maxReplicas 10",
            also={f"{CANARY}.weight": 5}),
    *(
        refused(f"{CANARY}.scaling.{field}", wrong, *words, also={f"{CANARY}.weight": 5})
        for field in ("targetDrainTime", "scaleDownAfter", "assumedOrderTime")
        for wrong, *words in (("soon", "'soon' is not a duration", "write"), ("25h", "'25h' is out of bounds", "write"))
    ),
    refused(f"{CANARY}.app", "shop-app", "cannot be imported by Python", also={f"{CANARY}.weight": 5}),
    refused(f"{CANARY}.image", "worker 2", "holds white space", also={f"{CANARY}.weight": 5}),
    refused("spec.tiers", [], "at least 1 items"),
    refused("spec.tiers", [{"name": f"t{n}"} for n in range(21)], "Too many: 21", "at most 20",
            also={"spec.defaultTier": "t0"}),
    refused("spec.tiers.0", {}, "Required value", at="spec.tiers[0].name"),
    *(refused(f"spec.{field}", REMOVED, "Required value") for field in ("broker", "worker", "defaultTier", "tiers")),
    refused("spec", REMOVED, "Required value"),
    refused("spec.broker", {}, "Required value", at="spec.broker.secretRef"),
    refused("spec.worker", {}, "Required value", at="spec.worker.image"),
]  # fmt: skip

ACCEPTED = [
    *({path: value, **rest} for path, (low, high, rest) in BOUNDS.items() for value in (low, high)),
    *({path: choice} for path, choices in CHOICES.items() for choice in choices),
    {"spec.defaultTier": "t19", **{f"spec.tiers.{n}.name": f"t{n}" for n in range(20)}},
    {"spec.tiers.0.concurrency": 50},
    {f"{SCALING}.minReplicas": 10},
    {f"{SCALING}.paused": True},
    {f"{CANARY}.weight": 20, f"{CANARY}.pool": "prefork", f"{CANARY}.concurrency": 4},
    {
        f"{CANARY}.steps": [5, 25, 50, 100],
        f"{CANARY}.interval": "10m",
        f"{CANARY}.minOrders": 500,
        f"{CANARY}.maxFailureRatio": 0.02,
        f"{CANARY}.maxSlowdown": 1.5,
    },
    {"spec.paused": True},
    {"spec.networkPolicy": "None"},
    {"spec.broker.users": "PerLane"},
    {"spec.broker.users": "PerLane", "spec.broker.workerSecretRef": {"name": "workers"}},
]
