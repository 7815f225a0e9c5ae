"""Own queues of merchants: who may have one, and the limits of a merchant, a tier's merchants and a route's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract.crd.cases import refused
from tests.contract.crd.routes import Json

ISOLATION = "spec.isolation"
LIMITS = ("spec.isolation.merchantLimits", "spec.tiers.0.merchantLimits", "spec.merchants.0.limits")
GROUPS = f"{ISOLATION}.groups"
VENDOR = {"name": "pos.vendor.example", "limits": {"maxInFlight": 6, "maxRate": 12.5, "burst": 20}}
BOUNDS: dict[str, tuple[int, int, Json]] = {
    f"{ISOLATION}.maxOwnQueues": (0, 1000, {}),
    f"{ISOLATION}.maxTrippedShare": (0, 1, {}),
    **{
        f"{where}.{field}": (low, high, {f"{where}.maxRate": 5} if field == "burst" else {})
        for where in LIMITS
        for field, low, high in (("maxInFlight", 1, 1_000_000), ("burst", 1, 1_000_000))
    },
}

REFUSED = [
    *(
        refused(path, wrong, f"{word} than or equal to {bound}", also=rest)
        for path, (low, high, rest) in BOUNDS.items()
        for wrong, word, bound in ((low - 1, "greater", low), (high + 1, "less", high))
    ),
    *(
        refused(f"{where}.maxRate", wrong, f"maxRate {wrong}", "write 0.001 or more, such as 0.5")
        for where in LIMITS
        for wrong in (0, -0.5, 0.0005)
    ),
    *(refused(f"{where}.maxRate", high, "less than or equal to 10000") for where in LIMITS for high in (10_001, 1e300)),
    *(refused(f"{where}.maxRate", "fast", "must be of type number") for where in LIMITS),
    *(refused(where, {}, "write maxInFlight, maxRate or both, or remove them") for where in LIMITS),
    *(
        refused(f"{where}.burst", 5, "write maxRate beside it, or remove burst", also={f"{where}.maxInFlight": 5})
        for where in LIMITS
    ),
    *(
        refused(f"{ISOLATION}.mode", wrong, '"Off", "DryRun", "Automatic"') for wrong in ("On", "off", "automatic", "")
    ),
    *(
        case
        for field in ("pinned", "exempt")
        for case in (
            refused(f"{ISOLATION}.{field}", [""], "at least 1 chars long", at=f"{ISOLATION}.{field}[0]"),
            refused(f"{ISOLATION}.{field}", ["m" * 256], "Too long", at=f"{ISOLATION}.{field}[0]"),
            refused(f"{ISOLATION}.{field}", ["ü" * 128], "has 256 bytes in UTF-8", "write a shorter id",
                    at=f"{ISOLATION}.{field}[0]"),
            refused(f"{ISOLATION}.{field}", ["hut", "hut"], "Duplicate value", at=f"{ISOLATION}.{field}[1]"),
        )
    ),
    *(
        refused("spec.merchants.0.group", wrong, "should match '^[a-z0-9]([-a-z0-9_.:]*[a-z0-9])?$'")
        for wrong in ("Vendor", "-a", "a-", ".", "a b", "a/b", "ü")
    ),
    refused("spec.merchants.0.group", "", "at least 1 chars long"),
    refused("spec.merchants.0.group", "g" * 254, "Too long"),
    *(
        refused(GROUPS, [{**VENDOR, "name": wrong}], words, at=f"{GROUPS}[0].name")
        for wrong, words in (
            *((name, "should match '^[a-z0-9]([-a-z0-9_.:]*") for name in ("Vendor", "https://a.example", "a b")),
            ("", "at least 1 chars long"),
            ("g" * 254, "Too long"),
        )
    ),
    *(
        refused(GROUPS, [{**VENDOR, "limits": wrong}], words, at=f"{GROUPS}[0].limits{at}")
        for wrong, words, at in (
            ({}, "write maxInFlight, maxRate or both, or remove them", ""),
            ({"maxInFlight": 0}, "greater than or equal to 1", ".maxInFlight"),
            ({"maxRate": 0}, "write 0.001 or more, such as 0.5", ".maxRate"),
            ({"maxRate": 10_001}, "less than or equal to 10000", ".maxRate"),
            ({"maxInFlight": 5, "burst": 5}, "write maxRate beside it, or remove burst", ".burst"),
        )
    ),
    refused(GROUPS, [{"name": "v"}], "Required value", at=f"{GROUPS}[0].limits"),
    refused(GROUPS, [VENDOR, VENDOR], "Duplicate value", at=f"{GROUPS}[1]"),
    refused(GROUPS, [{**VENDOR, "name": f"v{n}"} for n in range(101)], "Too many: 101", "at most 100"),
    refused(f"{ISOLATION}.pinned", [f"m{n}" for n in range(201)], "Too many: 201", "at most 200"),
    refused(f"{ISOLATION}.exempt", [f"m{n}" for n in range(501)], "Too many: 501", "at most 500"),
    refused(f"{ISOLATION}.exempt", ["hut", "bar"], "merchant 'bar' is both pinned", "remove it from one of the two",
            also={f"{ISOLATION}.pinned": ["taco", "bar"]}),
]  # fmt: skip

ACCEPTED: list[Mapping[str, Any]] = [
    *({path: value, **rest} for path, (low, high, rest) in BOUNDS.items() for value in (low, high)),
    *({f"{ISOLATION}.mode": mode} for mode in ("Off", "DryRun", "Automatic")),
    *({f"{where}.maxRate": rate} for where in LIMITS for rate in (0.001, 0.5, 1, 10_000)),
    *({where: {"maxInFlight": 30, "maxRate": 12.5, "burst": 20}} for where in LIMITS),
    *({GROUPS: [{**VENDOR, "name": f"{n:03}" + "v" * length} for n in range(100)]} for length in (1, 250)),
    {GROUPS: [{"name": "v", "limits": {"maxInFlight": 1}}, {"name": "2001:db8::1", "limits": {"maxRate": 0.001}}]},
    *({"spec.merchants.0.group": group} for group in ("v", "pos.vendor.example", "2001:db8::1", "a_b-c.9", "g" * 253)),
    {
        f"{ISOLATION}.pinned": [f"{n:03}" + "p" * 252 for n in range(200)],
        f"{ISOLATION}.exempt": [f"{n:03}" + "e" * 252 for n in range(500)],
    },
]
