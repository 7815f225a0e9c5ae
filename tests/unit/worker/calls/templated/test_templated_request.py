"""The request of a step with templates, byte by byte."""

import json
from typing import Any

import pytest

from merchantroute_worker.calls.request import Request, build
from merchantroute_worker.calls.templated.templated_call import values_of
from merchantroute_worker.calls.templated.templated_request import build_templated, with_trace
from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.orders.steps.step import parse_step
from merchantroute_worker.orders.steps.values import RequestNotBuilt

ORDER = {
    "id": 7,
    "note": "süß & knusprig",
    "who": "..",
    "empty": "",
    "lines": [{"sku": "a/b", "qty": 2}],
    "evil": "a\r\nB: c",
}
CAPTURED = {"posId": "p/1?x", "etag": '"v1"', "dots": "..", "half": "\ud800"}


def request(
    what: dict[str, Any], *, order: Any = ORDER, order_id: str = "o/1 ü", secret: Credential | None = None
) -> Request:
    body = json.dumps([[], {"order": order}, {}], ensure_ascii=False).encode()
    given = envelope.read(body=body, headers={}, correlation_id=order_id, routing_key="bistro")
    merchant = Merchant(
        id="bistro", endpoint="https://pos.example/v1/", credential=secret, fields={"storeId": "s 9", "tables": 4}
    )
    step = parse_step({"name": "submit", "request": {"method": "POST", "path": "/orders", **what}})
    assert step.shape is not None
    return build_templated(
        step, step.shape, given, merchant, values_of(given, merchant, CAPTURED), attempt=2, insecure_hosts=()
    )


def head(made: Request) -> list[str]:
    return made.head.decode("latin-1").split("\r\n")


def test_path_query_and_headers_are_filled_in_and_quoted() -> None:
    made = request(
        {
            "method": "PATCH",
            "path": "/stores/{fields.storeId}/orders/{posId}?v=2",
            "query": {"of": "{order_id}", "note": "{/note}", "left": "{/none?}", "a b": "{fields.tables}"},
            "headers": {"If-Match": "{etag}", "X-Left": "{none?}", "accept": "text/plain"},
        }
    )

    assert head(made)[0] == (
        "PATCH /v1/stores/s%209/orders/p%2F1%3Fx?v=2&of=o%2F1%20%C3%BC&note=s%C3%BC%C3%9F%20%26%20knusprig&a%20b=4"
        " HTTP/1.1"
    )
    lines = head(made)
    assert {"Host: pos.example", 'If-Match: "v1"', "accept: text/plain", "Mr-Attempt: 2"} <= set(lines)
    assert "Idempotency-Key: o/1%20%C3%BC:submit" in lines
    assert [line for line in lines if line.lower().startswith(("accept:", "x-left"))] == ["accept: text/plain"]
    assert lines[-2:] == ["", ""]


def test_the_order_goes_as_its_producer_wrote_it_unless_a_body_is_written() -> None:
    made = request({})
    assert json.loads(made.body) == ORDER
    assert {"Content-Type: application/json", f"Content-Length: {len(made.body)}"} <= set(head(made))
    assert request({"body": {"send": "Order"}, "method": "DELETE"}).body == made.body


@pytest.mark.parametrize("what", [{"body": {"send": "Nothing"}}, {"method": "GET"}, {"method": "DELETE"}])
def test_no_body(what: dict[str, Any]) -> None:
    made = request(what)

    assert made.body == b""
    assert not [line for line in head(made) if line.startswith("Content-Type")]


def test_a_post_without_a_body_says_that_it_has_none() -> None:
    assert "Content-Length: 0" in head(request({"body": {"send": "Nothing"}}))


def test_a_json_body_has_the_values_with_their_types() -> None:
    template = {
        "ref": "{order_id}",
        "n": "{/id}",
        "items": "{/lines}",
        "store": "{fields.tables}",
        "x": "{/none?}",
        "k": [1],
    }
    made = request({"body": {"json": template}, "headers": {"Content-Type": "application/vnd.pos+json"}})

    assert json.loads(made.body) == {"ref": "o/1 ü", "n": 7, "items": ORDER["lines"], "store": 4, "k": [1]}
    assert [line for line in head(made) if line.lower().startswith("content-type")] == [
        "Content-Type: application/vnd.pos+json"
    ]


def test_a_form_body() -> None:
    made = request({"body": {"form": {"note": "{/note}", "id": "{/id}", "left": "{/none?}", "kind": "a+b c"}}})

    assert made.body == b"note=s%C3%BC%C3%9F+%26+knusprig&id=7&kind=a%2Bb+c"
    assert "Content-Type: application/x-www-form-urlencoded" in head(made)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"path": "/o/{dots}"}, "the path would lead to another place"),
        ({"path": "/o/{/who}/x"}, "the path would lead to another place"),
        ({"path": "/o/.{/none?}"}, "the path needs /none of the order, which is missing"),
        ({"path": "/o/{/empty}"}, "the path needs /empty, which is empty"),
        ({"path": "/o/{half}"}, "no form in UTF-8"),
        ({"query": {"q": "{half}"}}, "no form in UTF-8"),
        ({"body": {"form": {"q": "{half}"}}}, "no form in UTF-8"),
        ({"headers": {"X": "{/evil}"}}, "the header X cannot be sent"),
        ({"headers": {"X": "{half}"}}, "the header X cannot be sent"),
        ({"headers": {"X": "{/lines}"}}, "the header X needs /lines of the order as a text"),
        ({"query": {"q": "{/none}"}}, "the query parameter q needs /none of the order, which is missing"),
        ({"body": {"json": {"a": "{/none}"}}}, "the body needs /none of the order, which is missing"),
    ],
)
def test_an_order_without_such_a_request_is_told_without_its_content(what: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestNotBuilt) as told:
        request(what)

    assert said in str(told.value)
    assert "B: c" not in str(told.value)


def test_a_number_beyond_every_range_is_no_body() -> None:
    raw = b'[[], {"order": {"n": 1e999}}, {}]'
    given = envelope.read(body=raw, headers={}, correlation_id="o", routing_key="bistro")
    step = parse_step({"name": "s", "request": {"method": "POST", "path": "/", "body": {"json": {"n": "{/n}"}}}})
    merchant = Merchant(id="bistro", endpoint="https://pos.example")
    assert step.shape is not None
    with pytest.raises(RequestNotBuilt, match="beyond every range"):
        build_templated(step, step.shape, given, merchant, values_of(given, merchant, {}), attempt=1, insecure_hosts=())


def test_a_body_does_not_grow_without_end() -> None:
    with pytest.raises(RequestNotBuilt, match="larger than"):
        request({"body": {"json": ["{/big}"] * 200}}, order={"big": "x" * 100_000})


def test_the_credentials_header_is_the_credentials_alone() -> None:
    made = request({"headers": {"x-key": "mine"}}, secret=Credential(header="X-Key", value="secret"))

    assert [line for line in head(made) if line.lower().startswith("x-key")] == ["X-Key: secret"]


def test_a_trace_goes_among_the_headers() -> None:
    lines = head(with_trace(request({}), {"traceparent": "00-a-b-01"}))

    assert "traceparent: 00-a-b-01" in lines
    assert lines[-2:] == ["", ""]


def test_a_plain_step_in_the_longer_form_is_the_same_request() -> None:
    given = envelope.read(body=b'[[], {"order": {"a": 1}}, {}]', headers={}, correlation_id="ö 1", routing_key="m/1")
    merchant = Merchant(id="m/1", endpoint="https://pos.example/v1")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        call = {"method": method, "path": "/o/{order_id}/of/{merchant}?a=%20"}
        plain, longer = parse_step({"name": "s", **call}), parse_step({"name": "s", "request": call})
        assert longer.shape is not None
        first = build(plain, given, merchant, attempt=1, insecure_hosts=())
        values = values_of(given, merchant, {})
        other = build_templated(longer, longer.shape, given, merchant, values, attempt=1, insecure_hosts=())
        assert sorted(head(first)) == sorted(head(other))
        assert first[3:] == other[3:]
