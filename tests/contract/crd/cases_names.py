"""Names of routes, tiers, steps and Secrets."""

from __future__ import annotations

from tests.contract.crd.cases import Refused, refused

RESERVED = (
    "router", "assigned", "default", "fallback", "stable", "canary", "split",
    "retry", "last", "dead", "suspect", "quarantine", "pulses", "own",
)  # fmt: skip

TIER = "spec.tiers.0.name"
STEP = "spec.orders.steps.0.name"
CALL = {"spec.orders.steps.0.method": "POST", "spec.orders.steps.0.path": "/"}  # what a step needs beside its name


def tier(name: str, *words: str) -> Refused:
    """A tier's name that is refused, and nothing else wrong."""
    return refused(TIER, name, f"'{name}'", *words, also={"spec.defaultTier": name})


REFUSED = [
    refused("metadata.name", "pos.eu", "'pos.eu'", "without dots"),
    refused("metadata.name", "p" * 41, "'" + "p" * 41 + "'", "at most 40"),
    tier("Enterprise", "lower-case"),
    tier("enter.prise", "without dots"),
    tier("-enterprise", "beginning and ending with a letter or digit"),
    tier("enterprise-", "beginning and ending with a letter or digit"),
    tier("t" * 31, "at most 30"),
    *(tier(name, "is a word that the operator", f"write another name, such as {name}-orders") for name in RESERVED),
    refused("spec.defaultTier", "gold", "'gold' is not a tier of this route", 'write one of ["standard"]'),
    refused("spec.tiers.1", {"name": "standard"}, "Duplicate value", "standard"),
    refused(STEP, "Validate", "'Validate'", "lower-case", also=CALL),
    refused(STEP, "s" * 41, "at most 40", also=CALL),
    refused("spec.broker.secretRef.name", "Rabbit_MQ", "'Rabbit_MQ' cannot be the name of a Secret", "lower-case"),
    refused("spec.broker.workerSecretRef.name", "rabbit mq", "'rabbit mq' cannot be the name of a Secret"),
    refused("spec.merchants.0.credentials.secretRef.name", "Pos", "'Pos' cannot be", "lower-case",
            also={"spec.merchants.0.credentials.type": "Bearer"}),
]  # fmt: skip

ACCEPTED = [
    {"metadata.name": "p"},
    {"metadata.name": "p" * 40},
    {"metadata.name": "9-to-5"},
    {TIER: "t" * 30, "spec.defaultTier": "t" * 30},
    {TIER: "a", "spec.defaultTier": "a"},
    {TIER: "retry-orders", "spec.defaultTier": "retry-orders"},
    {STEP: "s" * 40, **CALL},
    {"spec.broker.secretRef.name": "rabbitmq.pos-1"},
]
