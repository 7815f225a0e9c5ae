"""A step of the series as an HTTP request. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from merchantroute_worker.envelope import Order, dump
from merchantroute_worker.route import Merchant, Step

WITH_BODY = frozenset({"POST", "PUT"})
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class UnusableEndpoint(ValueError):
    """The merchant's endpoint cannot be called; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where connections go."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, ready for the wire."""

    origin: Origin
    method: str
    head: bytes
    body: bytes


def build(step: Step, order: Order, merchant: Merchant, *, attempt: int, allow_insecure: bool) -> Request:
    """The request of one step: the order as JSON for POST and PUT, keyed so that a repeat has no second effect."""
    path = step.path.replace("{order_id}", quote(order.id, safe="")).replace("{merchant}", quote(merchant.id, safe=""))
    origin, target = _locate(merchant.endpoint + path, allow_insecure)
    body = dump(order.payload) if step.method in WITH_BODY else b""
    default_port = 443 if origin.scheme == "https" else 80
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    fields = {
        "Host": host if origin.port == default_port else f"{host}:{origin.port}",
        "User-Agent": "merchantroute-worker",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Idempotency-Key": quote(f"{order.id}:{step.name}", safe=_VISIBLE),
        "Mr-Attempt": str(attempt),
    }
    if step.method in WITH_BODY:
        fields["Content-Type"] = "application/json"
        fields["Content-Length"] = str(len(body))
    if merchant.credential:
        fields[merchant.credential.header] = merchant.credential.value
    lines = [f"{step.method} {target} HTTP/1.1", *(_field(name, value) for name, value in fields.items())]
    return Request(origin=origin, method=step.method, head="\r\n".join([*lines, "", ""]).encode("latin-1"), body=body)


def _locate(url: str, allow_insecure: bool) -> tuple[Origin, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnusableEndpoint(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnusableEndpoint(f"{url!r} is not an http or https URL")
    if parts.scheme == "http" and not allow_insecure:
        raise UnusableEndpoint(f"{url!r} is not encrypted and the route does not say allowInsecure")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?") if parts.query else ""
    return Origin(
        scheme=parts.scheme, host=parts.hostname, port=port or (443 if parts.scheme == "https" else 80)
    ), path + query


def _field(name: str, value: str) -> str:
    """A header line; a credential with a line break in it must not become a second header."""
    if not _FIELD_NAME.fullmatch(name) or not value.isprintable():
        raise UnusableEndpoint(f"the merchant's credentials cannot be sent as a header {name!r}")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnusableEndpoint(f"the merchant's credentials cannot be sent as a header {name!r}") from None
    return f"{name}: {value}"
