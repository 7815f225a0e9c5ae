"""Merchants: ids, endpoints, tiers, credentials."""

from __future__ import annotations

from tests.contract.crd.cases import refused
from tests.contract.crd.routes import MERCHANT, REMOVED

ID, TIER, ENDPOINT = "spec.merchants.0.id", "spec.merchants.0.tier", "spec.merchants.0.endpoint"
CREDENTIALS = "spec.merchants.0.credentials"
BEARER = {"type": "Bearer", "secretRef": {"name": "burger-hut-pos"}}
ENDPOINTS = (ENDPOINT, "spec.defaultEndpoint")

REFUSED = [
    refused(ID, "", "at least 1 chars long"),
    refused(ID, "ü" * 128, "has 256 bytes in UTF-8", "at most 255", "write a shorter id"),
    refused(ID, "m" * 256, "Too long"),
    *(refused(ID, f"burger{c}hut", "control character", "remove it") for c in ("\t", "\n", "\x00", "\x7f", "\u0085")),
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
            refused(path, "ftp://pos.example", "'ftp://pos.example'", "begin it with https://"),
            refused(path, "HTTPS://pos.example", "begin it with https://"),
            refused(path, "https://", "'https://' is not a URL", "https://host[:port][/path]"),
            refused(path, "https:///orders", "is not a URL"),
            refused(path, "https://-pos.example", "is not a URL"),
            refused(path, "https://pos.example:port/v1", "is not a URL"),
            refused(path, "https://[::1/v1", "is not a URL"),
            refused(path, "https://user:hunter2@pos.example/v1", "user or password before '@'", "secretRef"),
            refused(path, "https://pos.example/v1?key=1", "holds a query or a fragment", "remove '?' or '#'"),
            refused(path, "https://pos.example/v1#top", "holds a query or a fragment"),
            refused(path, "https://pos.example/v 1", "white space", "percent-encoded, such as %20"),
            refused(path, "https://pos.example/v\n1", "control character"),
            refused(path, "https://pos.example\\@evil.example", "backslash"),
            refused(path, "https://{merchant}.pos.example", "no variable but {merchant}, and that only in the path"),
            refused(path, "https://pos.example/{tenant}", "write no variable but {merchant}"),
            refused(path, "https://pos.example/{merchant", "write no variable but {merchant}"),
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
    {ID: "寿司 №7 / 🍔.#*"},
    {ENDPOINT: "http://pos.example", "spec.orders.allowInsecure": True},
    {"spec.defaultEndpoint": "http://pos.example/{merchant}", "spec.orders.allowInsecure": True},
    *(
        {path: value}
        for path in ENDPOINTS
        for value in (
            "https://pos.example",
            "https://pos.example/",
            "https://pos.example:8443/v1/",
            "https://10.0.0.1/v1",
            "https://[2001:db8::1]:8443/v1",
            "https://pos.example/a/{merchant}/b",
            "https://pos.example/@{merchant}/caf%C3%A9/ü",
        )
    ),
    *({CREDENTIALS: {**BEARER, "type": kind}} for kind in ("Bearer", "Basic", "Header")),
]
