"""Merchants: ids, endpoints, tiers, credentials."""

from __future__ import annotations

from tests.contract.crd.cases import refused
from tests.contract.crd.routes import MERCHANT, REMOVED
from tests.harness.endpoint_grammar import ACCEPTED as USABLE
from tests.harness.endpoint_grammar import DOTS
from tests.harness.endpoint_grammar import REFUSED as UNUSABLE

ID, TIER, ENDPOINT = "spec.merchants.0.id", "spec.merchants.0.tier", "spec.merchants.0.endpoint"
CREDENTIALS = "spec.merchants.0.credentials"
BEARER = {"type": "Bearer", "secretRef": {"name": "burger-hut-pos"}}
ENDPOINTS = (ENDPOINT, "spec.defaultEndpoint")

REFUSED = [
    refused(ID, "", "at least 1 chars long"),
    refused(ID, "ü" * 128, "has 256 bytes in UTF-8", "at most 255", "write a shorter id"),
    refused(ID, "m" * 256, "Too long"),
    *(refused(ID, f"burger{c}hut", "control character", "remove it") for c in ("\t", "\n", "\x00", "\x7f", "\u0085")),
    *(refused(ID, dots, "another place in a URL's path", "write another id") for dots in DOTS),
    refused("spec.merchants.1", MERCHANT, "Duplicate value", "burger-hut"),
    refused(TIER, "gold", "merchant 'burger-hut': tier 'gold' is not a tier", 'write one of ["standard"]',
            at="spec.merchants"),
    *(refused(f"spec.merchants.0.{field}", REMOVED, "Required value") for field in ("tier", "endpoint")),
    refused("spec.merchants.0", {"tier": "standard", "endpoint": "https://a"}, "Required value",
            at="spec.merchants[0].id"),
    refused(ENDPOINT, "http://pos.example", "merchant 'burger-hut'", "unencrypted", "spec.orders.allowInsecure: true",
            at="spec.merchants"),
    refused("spec.defaultEndpoint", "http://pos.example", "unencrypted", "spec.orders.allowInsecure: true"),
    *(
        case
        for path in ENDPOINTS
        for case in (
            refused(path, "pos.example", "'pos.example'", "begin it with https://"),
            refused(path, "https://", "'https://' is not a URL", "https://host[:port][/path]"),
            refused(path, "https://user:hunter2@pos.example/v1", "user or password before '@'", "secretRef"),
            refused(path, "https://pos.example/v1?key=1", "holds a query or a fragment", "remove '?' or '#'"),
            refused(path, "https://pos.example/v 1", "white space", "percent-encoded, such as %20"),
            *(refused(path, endpoint, word.removeprefix("its ")) for endpoint, word in UNUSABLE if endpoint),
            refused(path, "https://pos.example/" + "v" * 500, "Too long"),
        )
    ),
    refused(CREDENTIALS, {**BEARER, "type": "HMAC"}, '"HMAC"', '"Bearer", "Basic", "Header"',
            at="spec.merchants[0].credentials.type"),
    *(
        refused(CREDENTIALS, {key: value for key, value in BEARER.items() if key != missing}, "Required value",
                at=f"spec.merchants[0].credentials.{missing}")
        for missing in BEARER
    ),
]  # fmt: skip

ACCEPTED = [
    {ID: "m" * 255},
    {ID: "ü" * 127 + "m"},
    {ID: "..."},
    {ID: "寿司 №7 / 🍔.#*"},
    {ENDPOINT: "http://pos.example", "spec.orders.allowInsecure": True},
    {"spec.defaultEndpoint": "http://pos.example/{merchant}", "spec.orders.allowInsecure": True},
    *({path: value} for path in ENDPOINTS for value in USABLE),
    *({CREDENTIALS: {**BEARER, "type": kind}} for kind in ("Bearer", "Basic", "Header")),
]
