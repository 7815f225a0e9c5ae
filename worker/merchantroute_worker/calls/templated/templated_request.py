"""Builds the HTTP request of a step with templates. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

from merchantroute_worker.calls.request import (
    IDEMPOTENT,
    IN_PATH,
    PLAIN,
    PUBLIC_ONLY,
    EndpointParts,
    Request,
    UnusableEndpoint,
    endpoint_parts,
    header_field,
    idempotency_key,
)
from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.egress.urls import without_dots
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.orders.steps.json_text import write_json
from merchantroute_worker.orders.steps.pointer import MISSING
from merchantroute_worker.orders.steps.shape import WITH_BODY, Body, Pairs, Shape
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.steps.template import Text, as_text, fill_text, fill_tree
from merchantroute_worker.orders.steps.values import RequestNotBuilt, Values

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a body that is filled in: a value may stand in it many times."""


def build_templated(
    step: Step,
    shape: Shape,
    order: Order,
    merchant: Merchant,
    values: Values,
    *,
    attempt: int,
    insecure_hosts: tuple[str, ...],
    egress: Egress = PUBLIC_ONLY,
) -> Request:
    """Build the request. RequestNotBuilt when the order has none, UnusableEndpoint as in `calls/request.py`."""
    base = endpoint_parts(merchant.endpoint, insecure_hosts)
    query = _pairs(shape.query, values, "the query parameter")
    target = base.path + _path(shape.path, values)
    if query:
        target += ("&" if "?" in target else "?") + "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in query)
    content_type, body = _body(shape.body, order, values)
    credential = merchant.credential
    fields = _own_fields(shape.headers, base, values, credential) if shape.headers else [base.head]
    if content_type and not any(line[:13].lower() == "content-type:" for line in fields):
        fields.append(f"Content-Type: {content_type}")
    fields.append(f"Idempotency-Key: {idempotency_key(step.name, step.path, order, merchant)}")
    fields.append(f"Mr-Attempt: {attempt}")
    if content_type or step.method in WITH_BODY:
        fields.append(f"Content-Length: {len(body)}")
    if credential:
        fields.append(header_field(credential.header, credential.value))
    head = "\r\n".join((f"{step.method} {target} HTTP/1.1", *fields, "", ""))
    repeatable = step.verify is None and step.method in IDEMPOTENT
    return Request(base.origin, step.method, head.encode("latin-1"), body, repeatable, egress, keep=shape.reads_answer)


def _own_fields(headers: Pairs, base: EndpointParts, values: Values, credential: Credential | None) -> list[str]:
    """The fields that a step writes, and those of every request that it does not write itself."""
    taken = credential.header.lower() if credential else ""
    written = {name.lower(): (name, text) for name, text in _pairs(headers, values, "the header")}
    common = [line for line in base.head.split("\r\n") if line.partition(":")[0].lower() not in written]
    return [*common, *(_field(name, text) for key, (name, text) in written.items() if key != taken)]


def with_trace(request: Request, trace: Mapping[str, str]) -> Request:
    """The request with the headers of its call's trace context."""
    if not trace:
        return request
    lines = "".join(f"{name}: {value}\r\n" for name, value in trace.items())
    return request._replace(head=request.head[:-2] + lines.encode("latin-1") + b"\r\n")


def _path(path: Text, values: Values) -> str:
    """The path with each value as a part of it: quoted, so that it can neither end nor leave its place."""
    filled = []
    for part in path.parts:
        if isinstance(part, str):
            filled.append(_literal(part))
            continue
        text = as_text(part, values.find(part), of="the path")
        if not text:
            raise RequestNotBuilt(f"the path needs {part.name}, which is empty")
        filled.append(_quoted(text))
    made = "".join(filled)
    before = made.partition("?")[0]
    if path.variables and without_dots(before) != before:
        raise RequestNotBuilt("the path would lead to another place: a value in it is . or ..")
    return made


@lru_cache(maxsize=4096)
def _literal(part: str) -> str:
    return quote(part, safe=IN_PATH)


def _quoted(text: str) -> str:
    if PLAIN(text):
        return text
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise RequestNotBuilt("a value in the URL is no text: it has no form in UTF-8") from None


def _pairs(pairs: Pairs, values: Values, what: str) -> list[tuple[str, str]]:
    filled = ((name, fill_text(text, values, of=f"{what} {name}")) for name, text in pairs)
    return [(name, text) for name, text in filled if text is not None]


def _field(name: str, text: str) -> str:
    try:
        return header_field(name, text)
    except UnusableEndpoint:
        raise RequestNotBuilt(f"the header {name} cannot be sent: its value holds what HTTP forbids") from None


def _body(body: Body, order: Order, values: Values) -> tuple[str | None, bytes]:
    """The body with its type; no type where there is none."""
    if body.order:
        return "application/json", order.payload
    if body.json is not None:
        document = fill_tree(body.json, values, of="the body")
        if document is MISSING:
            return None, b""
        try:
            return "application/json", _bounded(write_json(document))
        except RequestNotBuilt:
            raise
        except ValueError:
            raise RequestNotBuilt("the body cannot be written: a number in it is beyond every range") from None
    if body.form is not None:
        try:
            pairs = [f"{quote_plus(name)}={quote_plus(text)}" for name, text in _pairs(body.form, values, "the form's")]
        except UnicodeEncodeError:
            raise RequestNotBuilt("a value in the form is no text: it has no form in UTF-8") from None
        return "application/x-www-form-urlencoded", _bounded("&".join(pairs).encode())
    return None, b""


def _bounded(body: bytes) -> bytes:
    if len(body) > LARGEST_BODY:
        raise RequestNotBuilt(f"the body would be larger than {LARGEST_BODY} bytes")
    return body
