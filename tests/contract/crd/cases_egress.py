"""Where calls may go: ranges, patterns of hosts, and endpoints that are http:// at some of them."""

from __future__ import annotations

from tests.contract.crd.cases import refused

ALLOW, DENY, INSECURE = "spec.egress.allow", "spec.egress.deny", "spec.egress.insecureHosts"
ENDPOINT = "spec.merchants.0.endpoint"
MANY = [f"10.{n}.0.0/16" for n in range(51)]

REFUSED = [
    *(
        refused(f"{field}.0", entry, "is neither a range of addresses nor a pattern of host names", "10.20.0.0/16")
        for field in (ALLOW, DENY)
        for entry in ("https://pos.svc", "pos.svc/v1", "10.0.0.0/1000", "pos svc", "!10.0.0.0/8", "pos:80", "::1%lo")
    ),
    *(
        refused(f"{field}.0", entry, f"'{entry}' is no address", "10.20.0.0/16")
        for field in (ALLOW, DENY)
        for entry in ("127.1", "10.*", "2130706433", "10.0.0.0.1", "10.*.0.1")
    ),
    refused(f"{ALLOW}.0", "", "at least 1 chars long"),
    refused(f"{ALLOW}.0", "p" * 254, "Too long"),
    refused(ALLOW, MANY, "Too many: 51", "at most 50"),
    refused(f"{INSECURE}.0", "http://pos.svc", "is no pattern of hosts", "without scheme, port or path"),
    refused(f"{INSECURE}.0", "pos.svc/v1", "is no pattern of hosts"),
    refused(ENDPOINT, "http://pos.example", "unencrypted", "spec.egress.insecureHosts", also={INSECURE: []},
            at="spec.merchants"),
    refused("spec.defaultEndpoint", "http://pos.example", "unencrypted", "spec.egress.insecureHosts",
            also={ALLOW: ["*"]}),
]  # fmt: skip

ACCEPTED = [
    {
        ALLOW: [
            "10.20.0.0/16",
            "fd00:20::/32",
            "10.0.0.1",
            "::1",
            "::ffff:10.0.0.0/104",
            "*.pos.svc",
            "pos",
            "*",
            "1.pos",
        ]
    },
    {DENY: ["0.0.0.0/0", "::/0", "*.internal.example", "XN--bcher-kva.example"]},
    {ALLOW: MANY[:50]},
    {ENDPOINT: "http://pos.example", INSECURE: ["*.example", "10.0.0.7", "fd00::1"]},
    {"spec.defaultEndpoint": "http://pos.example/{merchant}", INSECURE: ["pos.example"]},
]
