"""What a step says beyond method and path: templates, captures, rules, and lists of steps for kinds of merchants."""

from __future__ import annotations

from typing import Any

from tests.contract.crd.cases import refused

STEP = {"name": "submit", "method": "POST", "path": "/orders"}
AT = "spec.orders.steps[0]"
MERCHANT = {"id": "hut", "tier": "standard", "endpoint": "https://hut.example"}
CREATE: dict[str, Any] = {
    **STEP,
    "path": "/{merchant}/orders/{{x}}/{fields.storeId}/{/customer/id}",
    "query": {"of": "{order_id}", "note": "{/note?}"},
    "headers": {"X-Store": "{fields.storeId}"},
    "body": {"json": {"id": "{order_id}", "lines": "{/lines}", "n": 1, "deep": [{"a": None}]}},
    "verify": {"method": "GET", "path": "/orders/{order_id}", "capture": {"posId": {"json": "/id", "required": True}}},
    "capture": {
        "posId": {"json": "/data/order/id", "required": True},
        "etag": {"header": "ETag", "required": False, "default": ""},
    },
    "success": [{"json": "/status", "in": ["ok", 1, True]}, {"header": "X-Error", "exists": False}],
    "skipWhen": [{"value": "{/type}", "notIn": ["delivery"]}, {"value": "{fields.kitchen}", "exists": True}],
    "callTimeout": "5s",
    "answers": [{"answer": "409", "then": "Done"}, {"answer": "unsuccessful", "then": "Dead"}],
    "maxAttempts": 20,
}
CONFIRM = {"name": "confirm", "method": "GET", "path": "/orders/{posId}"}
FORM = {**STEP, "body": {"form": {"id": "{order_id}"}}}


def step(at: str, *words: str, **changes: Any) -> Any:
    """A route whose only step has these changes is refused at this place of it."""
    return refused("spec.orders.steps", [{**STEP, **changes}], *words, at=f"{AT}{at}")


REFUSED = [
    refused("spec.orders.steps", [{**STEP, "path": "/o/{orderId}"}], "path '/o/{orderId}' has an unknown variable",
            "no step captures one: write {order_id}, {merchant}"),
    *(
        step(".path", "unknown variable", "no other braces", path=path)
        for path in ("/o/{order_id", "/o/order_id}", "/{}", "/{a b}", "/{1}", "/{a-b}")
    ),
    step(".query.a", "should match", query={"a": "{a b}"}),
    step(".query.a", "should match", query={"a": "{"}),
    step(".headers.X-A", "should match", headers={"X-A": "{}"}),
    step(".query", "must have at most 16 items", query={f"q{n}": "1" for n in range(17)}),
    step(".body", "at most 1", body={"json": {}, "form": {}}),
    step(".body", "at least 1", body={}),
    step(".body.send", '"All"', '"Order", "Nothing"', body={"send": "All"}),
    step(".body.form.a", "should match", body={"form": {"a": "{"}}),
    step(".body", "a GET sends no body: write another method", method="GET", body={"json": {}}),
    step(".capture[a]", "write one of json and header", capture={"a": {}}),
    step(".capture[a]", "write one of json and header", capture={"a": {"json": "/a", "header": "A"}}),
    step(".capture.a.json", "should match", capture={"a": {"json": "a"}}),
    step(".capture.a.json", "should match", capture={"a": {"json": "/~2"}}),
    step(".capture.a.header", "should match", capture={"a": {"header": "a b"}}),
    *(
        step(".capture", f"'{name}' cannot be the name of a captured value: write a", capture={name: {"json": "/a"}})
        for name in ("order_id", "merchant", "order", "fields", "a.b", "1a", "a-b")
    ),
    step(".verify.capture[a]", "write one of json and header", verify={"path": "/", "capture": {"a": {}}}),
    step(".capture", "must have at most 8 items", capture={f"c{n}": {"json": "/a"} for n in range(9)}),
    step(".success[0]", "write one of json and header", success=[{"in": [1], "exists": True}]),
    step(".success[0]", "at least 2", success=[{"json": "/a"}]),
    step(".success[0].in", "at least 1 items", success=[{"json": "/a", "in": []}]),
    step(".skipWhen[0].value", "should match", skipWhen=[{"value": "type", "in": [1]}]),
    step(".skipWhen[0]", "at least 2", skipWhen=[{"value": "{/type}"}]),
    step(".callTimeout", "'11m' is out of bounds: write a duration from 1ms to 10m", callTimeout="11m"),
    step(".callTimeout", "'soon' is not a duration", callTimeout="soon"),
    step(".answers[0].answer", "answer '200': write a status from 300 to 599",
         answers=[{"answer": "200", "then": "Dead"}]),
    step(".answers[0].then", "'Done' for 'tls', which is no answer", answers=[{"answer": "tls", "then": "Done"}]),
    step(".maxAttempts", "greater than or equal to 1", maxAttempts=0),
    step(".maxAttempts", "less than or equal to 1000", maxAttempts=1001),
    refused("spec.orders.workflows", [{"name": "Toast", "steps": [STEP]}], "should match",
            at="spec.orders.workflows[0].name"),
    refused("spec.orders.workflows", [{"name": "toast", "steps": []}], "at least 1 items",
            at="spec.orders.workflows[0].steps"),
    refused("spec.orders.workflows", [{"name": "toast", "steps": [{**STEP, "path": "/{x}"}]}], "unknown variable",
            at="spec.orders.workflows[0].steps"),
    refused("spec.orders.workflows", [{"name": f"w{n}", "steps": [STEP]} for n in range(6)], "Too many: 6"),
    refused("spec.merchants", [{**MERCHANT, "workflow": "To Ast"}], "should match", at="spec.merchants[0].workflow"),
    refused("spec.merchants", [{**MERCHANT, "fields": {"a": True}}], "of type", at="spec.merchants[0].fields.a"),
    refused("spec.merchants", [{**MERCHANT, "fields": {f"f{n}": "1" for n in range(17)}}], "at most 16 items",
            at="spec.merchants[0].fields"),
]  # fmt: skip

ACCEPTED = [
    {"spec.orders.steps": [CREATE, CONFIRM]},
    {"spec.orders.steps": [FORM]},
    {"spec.orders.steps": [{**STEP, "method": "GET", "body": {"send": "Nothing"}}]},
    {"spec.orders.steps": [{**STEP, "body": {"json": "{order}"}}]},
    {
        "spec.orders.workflows": [{"name": f"w{n}", "steps": [CREATE, CONFIRM]} for n in range(5)],
        "spec.merchants": [{**MERCHANT, "workflow": "w1", "fields": {"storeId": "s 1", "n": 4}}],
    },
]
