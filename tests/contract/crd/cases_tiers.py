"""Tiers, their scaling, and what becomes of orders when the route is deleted."""

from __future__ import annotations

from tests.contract.crd.cases import refused
from tests.contract.crd.routes import REMOVED

SCALING = "spec.tiers.0.scaling"
CAP = "spec.tiers.0.maxInFlightPerMerchant"

BOUNDS = {  # field: lowest and highest, what else must be written for only this to be in question
    "spec.tiers.0.concurrency": (1, 2000, {}),
    CAP: (1, 2000, {}),
    f"{SCALING}.minReplicas": (0, 500, {f"{SCALING}.maxReplicas": 500}),
    f"{SCALING}.maxReplicas": (0, 500, {f"{SCALING}.minReplicas": 0}),
    "spec.orders.retry.maxAttempts": (1, 100, {}),
}
CHOICES = {
    "spec.tiers.0.pool": ("gevent", "threads", "prefork"),
    "spec.networkPolicy": ("Managed", "None"),
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
    {"spec.paused": True},
    {"spec.networkPolicy": "None"},
]
