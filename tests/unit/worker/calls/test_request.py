"""The HTTP request of a step, byte by byte."""

from dataclasses import replace

import pytest

from merchantroute_worker.calls.request import Request, UnusableEndpoint, build
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.orders.steps.step import Step, parse_step
from tests.unit.worker.samples import order, route

POST = Step(name="submit", method="POST", path="/orders")
GET = Step(name="confirm", method="GET", path="/orders/{order_id}?of={merchant}")


def request(step: Step, endpoint: str = "https://pos.example/v1", *, secret: Credential | None = None) -> Request:
    merchant = Merchant(id="burger hut/1", endpoint=endpoint, credential=secret)
    return build(step, replace(order(), id="o/1 ü"), merchant, attempt=2, insecure_hosts=())


def head(made: Request) -> list[str]:
    return made.head.decode("latin-1").split("\r\n")


def test_a_post_sends_the_order_as_json_under_its_key() -> None:
    made = request(POST)

    assert head(made)[0] == "POST /v1/orders HTTP/1.1"
    assert {
        "Host: pos.example",
        "Idempotency-Key: o/1%20%C3%BC:submit",
        "Mr-Attempt: 2",
        "Content-Type: application/json",
        f"Content-Length: {len(made.body)}",
        "Accept-Encoding: identity",
    } <= set(head(made))
    assert made.body == b'{"id": "o-1", "note": "\\u00fcn\\u00ef"}'


def test_the_question_whether_a_step_was_done_has_a_key_of_its_own_and_no_body() -> None:
    document = {"name": "submit", "method": "POST", "path": "/orders"}
    step = parse_step({**document, "verify": {"method": "GET", "path": "/orders/{order_id}"}})
    assert step.verify is not None
    made = request(step.verify)

    assert head(made)[0] == "GET /v1/orders/o%2F1%20%C3%BC HTTP/1.1"
    assert {"Idempotency-Key: o/1%20%C3%BC:submit.verify", "Mr-Attempt: 2"} <= set(head(made))
    assert made.body == b""


def test_a_get_has_no_body_and_its_variables_are_quoted() -> None:
    made = request(GET)

    assert head(made)[0] == "GET /v1/orders/o%2F1%20%C3%BC?of=burger%20hut%2F1 HTTP/1.1"
    assert made.body == b""
    assert not [line for line in head(made) if line.startswith("Content-")]


@pytest.mark.parametrize(
    ("endpoint", "host", "target"),
    [
        ("https://pos.example", "pos.example", "/orders"),
        ("https://pos.example:8443/", "pos.example:8443", "/orders"),
        ("https://[::1]:8443/a", "[::1]:8443", "/a/orders"),
        ("https://pos.example./a/../b", "pos.example.", "/b/orders"),
    ],
)
def test_the_path_goes_behind_the_endpoint(endpoint: str, host: str, target: str) -> None:
    made = request(POST, endpoint)

    assert head(made)[0] == f"POST {target} HTTP/1.1"
    assert f"Host: {host}" in head(made)


@pytest.mark.parametrize(
    "endpoint", ["http://pos.example", "ftp://pos.example", "pos.example", "https://", "https://a:b/"]
)
def test_what_is_no_encrypted_url_is_not_called(endpoint: str) -> None:
    with pytest.raises(UnusableEndpoint):
        request(POST, endpoint)


def test_http_is_called_where_the_route_allows_it() -> None:
    merchant = Merchant(id="m", endpoint="http://pos.example")
    made = build(POST, order(), merchant, attempt=1, insecure_hosts=("*",))

    assert (made.origin.scheme, made.origin.port) == ("http", 80)


def test_http_is_called_at_the_hosts_that_the_route_names_and_at_no_others() -> None:
    def scheme(endpoint: str) -> str:
        merchant = Merchant(id="m", endpoint=endpoint)
        made = build(POST, order(), merchant, attempt=1, insecure_hosts=("*.kitchen.svc", "10.0.0.7"))
        return made.origin.scheme

    assert [scheme("http://pos.kitchen.svc:8080"), scheme("http://POS.kitchen.svc./v1"), scheme("http://10.0.0.7")] == [
        "http"
    ] * 3
    assert scheme("https://pos.example") == "https"
    with pytest.raises(UnusableEndpoint, match=r"spec\.egress\.insecureHosts"):
        scheme("http://pos.example/kitchen.svc")


def test_a_route_s_word_for_all_hosts_and_its_patterns_are_read() -> None:
    assert route(allowInsecure=True, egress={"insecureHosts": ["a"]}).insecure_hosts == ("*",)
    assert route(egress={"insecureHosts": ["*.kitchen.svc"]}).insecure_hosts == ("*.kitchen.svc",)
    assert route().insecure_hosts == ()


@pytest.mark.parametrize(
    "secret",
    [
        Credential(header="Authorization", value="Bearer x\r\nX-Evil: 1"),
        Credential(header="X Key", value="1"),
        Credential(header="X-Key", value="€"),
    ],
)
def test_a_credential_cannot_break_out_of_its_header(secret: Credential) -> None:
    with pytest.raises(UnusableEndpoint) as told:
        request(POST, secret=secret)

    assert secret.value not in str(told.value)


def test_a_credential_is_sent() -> None:
    assert "X-Key: k" in head(request(POST, secret=Credential(header="X-Key", value="k")))


@pytest.mark.parametrize(
    ("method", "verify", "repeatable"),
    [
        ("POST", False, False),
        ("POST", True, False),
        ("PUT", False, True),
        ("PUT", True, False),
        ("GET", False, True),
        ("DELETE", False, True),
        ("DELETE", True, False),
    ],
)
def test_only_an_idempotent_request_without_a_question_may_be_repeated(
    method: str, verify: bool, repeatable: bool
) -> None:
    document = {"name": "submit", "method": method, "path": "/s"}
    step = parse_step({**document, "verify": {"method": "GET", "path": "/s/{order_id}"}} if verify else document)

    assert request(step).repeatable is repeatable
    assert step.verify is None or request(step.verify).repeatable
