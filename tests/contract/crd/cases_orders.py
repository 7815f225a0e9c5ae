"""Steps, times and the ladder."""

from __future__ import annotations

from tests.contract.crd.cases import refused

STEP = {"name": "submit", "method": "POST", "path": "/orders"}
DURATION = "is not a duration: write numbers with the units ms, s, m or h"
DELAYS = "spec.orders.retry.delays"
HUGE = "999999h999999h9999h"  # more nanoseconds than 64 bits hold

ANSWERS = "spec.orders.retry.answers"
ROW = {"answer": "404", "then": "Retry"}
VERIFIED = {**STEP, "verify": {"method": "GET", "path": "/orders/{order_id}"}}

TIMES = {  # field: shortest, longest, and what is just too short or too long
    "spec.orders.callTimeout": ("1ms", "10m", "0s", "600001ms"),
    "spec.orders.deadline": ("1ms", "10m", "0ms", "10m1ms"),
    "spec.orders.maxAge": ("1ms", "720h", "0s", "720h1ms"),
    "spec.orders.retry.delays.0": ("1ms", "168h", "0s", "168h1ms"),
    "spec.orders.retry.retryAfterMax": ("0s", "24h", "24h1ms"),
    "spec.tiers.0.scaling.targetDrainTime": ("1s", "24h", "999ms", "24h1ms"),
    "spec.tiers.0.scaling.scaleDownAfter": ("1s", "24h", "999ms", "24h1ms"),
    "spec.tiers.0.scaling.assumedOrderTime": ("1ms", "10m", "0s", "10m1ms"),
    "spec.deletion.timeout": ("1s", "168h", "999ms", "168h1ms"),
}


def around(path: str, time: str) -> dict[str, str]:
    """The other times of an order, so that only the one in question can be wrong."""
    short, long = {"spec.orders.callTimeout": "1ms", "spec.orders.deadline": "1ms"}, {"spec.orders.maxAge": "720h"}
    if path == "spec.orders.callTimeout":
        short["spec.orders.deadline"] = "10m"
    return {path: time, **{key: value for key, value in {**short, **long}.items() if key != path}}


REFUSED = [
    *(
        refused(path, value, f"'{value}' {DURATION}", also=around(path, value))
        for path in TIMES
        for value in ("", "10", "1d", "1.5ms", "1.0005s", "-1s", "ten seconds", "1s ", "1234567s", HUGE)
    ),
    *(
        refused(path, value, f"'{value}' is out of bounds", f"from {low} to {high}", also=around(path, value))
        for path, (low, high, *wrong) in TIMES.items()
        for value in wrong
    ),
    refused("spec.orders.callTimeout", "31s", "deadline '30s' is shorter than callTimeout '31s'", "raise deadline",
            at="spec.orders.deadline"),
    refused("spec.orders.maxAge", "29s", "maxAge '29s' is shorter than deadline '30s'", "raise maxAge or lower"),
    refused(DELAYS, ["15s", "1s"], '["15s", "1s"] must grow strictly', "write each one once, shortest first"),
    refused(DELAYS, ["1s", "1000ms"], '["1s", "1000ms"] must grow strictly', "write each one once"),
    refused(DELAYS, [], "at least 1 items"),
    refused(DELAYS, [f"{n}s" for n in range(1, 10)], "Too many: 9", "at most 8"),
    *(
        refused(f"{ANSWERS}.0", {**ROW, "answer": answer}, f"answer '{answer}': write a status from 300 to 599",
                "a class 3xx, 4xx or 5xx, or one of timeout, refused, reset, tls, dns", at=f"{ANSWERS}[0].answer")
        for answer in ("", "200", "40", "4040", "104", "600", "1xx", "2xx", "4XX", "4x4", "TLS", "soup", " 404")
    ),
    refused(f"{ANSWERS}.0", {**ROW, "answer": 404}, "must be of type string", at=f"{ANSWERS}[0].answer"),
    refused(f"{ANSWERS}.0", {**ROW, "then": "Ignore"}, '"Ignore"', '"Retry", "Dead", "Done"', at=f"{ANSWERS}[0].then"),
    *(
        refused(f"{ANSWERS}.0", {"answer": failure, "then": "Done"}, f"'Done' for '{failure}', which is no answer",
                "write Retry or Dead", at=f"{ANSWERS}[0].then")
        for failure in ("timeout", "refused", "reset", "tls", "dns", "unsuccessful", "uncaptured")
    ),
    *(
        refused(f"{ANSWERS}.0", {key: value for key, value in ROW.items() if key != missing}, "Required value",
                at=f"{ANSWERS}[0].{missing}")
        for missing in ROW
    ),
    refused(ANSWERS, [ROW, {**ROW, "then": "Dead"}], "Duplicate value", "404", at=f"{ANSWERS}[1]"),
    refused(ANSWERS, [{**ROW, "answer": str(400 + n)} for n in range(65)], "Too many: 65", "at most 64"),
    refused("spec.orders.steps.0", {**STEP, "verify": {}}, "Required value", at="spec.orders.steps[0].verify.path"),
    refused("spec.orders.steps.0", {**STEP, "verify": {"path": "orders"}}, "'orders': begin it with '/'",
            at="spec.orders.steps[0].verify.path"),
    refused("spec.orders.steps.0", {**STEP, "verify": {"path": "/{id"}}, "unknown variable",
            at="spec.orders.steps[0].verify.path"),
    refused("spec.orders.steps.0", {**STEP, "verify": {"path": "/new orders"}}, "write it percent-encoded",
            at="spec.orders.steps[0].verify.path"),
    refused("spec.orders.steps.0", {**STEP, "verify": {"method": "POST", "path": "/o"}}, '"POST"', '"GET"',
            at="spec.orders.steps[0].verify.method"),
    refused("spec.orders.steps", [], "at least 1 items"),
    refused("spec.orders.steps", [{**STEP, "name": f"s{n}"} for n in range(21)], "Too many: 21", "at most 20"),
    refused("spec.orders.steps", [STEP, STEP], "Duplicate value", "submit", at="spec.orders.steps[1]"),
    refused("spec.orders.steps.0", {**STEP, "path": "orders"}, "'orders': begin it with '/'",
            at="spec.orders.steps[0].path"),
    refused("spec.orders.steps.0", {**STEP, "path": "/o/{order_id"}, "unknown variable", "no other braces",
            at="spec.orders.steps[0].path"),
    *(
        refused("spec.orders.steps.0", {**STEP, "path": path}, "write it percent-encoded",
                at="spec.orders.steps[0].path")
        for path in ("/new orders", "/orders#1", "/orders\\1", "/orders\n", "/orders\u0085")
    ),
    refused("spec.orders.steps.0", {**STEP, "method": "HEAD"}, '"HEAD"', '"GET", "POST", "PUT", "PATCH", "DELETE"',
            at="spec.orders.steps[0].method"),
    *(
        refused("spec.orders.steps", [{key: value for key, value in STEP.items() if key != missing}], "Required value",
                at=f"spec.orders.steps[0].{missing}")
        for missing in STEP
    ),
]  # fmt: skip

ACCEPTED = [
    *(around(path, value) for path, (low, high, *_) in TIMES.items() for value in (low, high)),
    {DELAYS: ["1ms"]},
    {DELAYS: ["1s", "1.5s", "1m30s", "2m", "1h", "1h0.5m", "24h", "168h"]},
    {"spec.orders.callTimeout": "30s"},
    {ANSWERS: []},
    {ANSWERS: [{**ROW, "answer": str(400 + n)} for n in range(64)]},
    {ANSWERS: [{"answer": answer, "then": "Done"} for answer in ("300", "3xx", "409", "4xx", "5xx", "599")]},
    {ANSWERS: [{"answer": answer, "then": "Dead"} for answer in ("timeout", "refused", "reset", "tls", "dns")]},
    {ANSWERS: [{"answer": answer, "then": "Dead"} for answer in ("unsuccessful", "uncaptured")]},
    {"spec.orders.steps": [VERIFIED]},
    {"spec.orders.steps": [{**VERIFIED, "name": f"s{n}"} for n in range(20)]},
    {"spec.orders.maxAge": "30000ms"},
    *({"spec.orders.steps": [{**STEP, "method": method}]} for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
    {"spec.orders.steps": [{**STEP, "name": f"s{n}"} for n in range(20)]},
    {"spec.orders.steps": [{**STEP, "path": "/m/{merchant}/orders/{order_id}?again={order_id}&sp=%20"}]},
]
