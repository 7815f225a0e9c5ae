"""A step of the series as an HTTP request. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from merchantroute_worker.envelope import Order
from merchantroute_worker.route import Merchant, Step

WITH_BODY = frozenset({"POST", "PUT"})
NOTHING: Mapping[str, str] = MappingProxyType({})
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}
_IN_PATH = "/%:@!$&'()*+,;=~-._?"
_VISIBLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class UnusableEndpoint(ValueError):
    """The merchant's endpoint cannot be called; the text says why."""


class Origin(NamedTuple):
    """Where connections go."""

    scheme: str
    host: str
    port: int


class Request(NamedTuple):
    """One request, ready for the wire."""

    origin: Origin
    method: str
    head: bytes
    body: bytes


def build(
    step: Step,
    order: Order,
    merchant: Merchant,
    *,
    attempt: int,
    allow_insecure: bool,
    trace: Mapping[str, str] = NOTHING,
) -> Request:
    """The request of one step: the order as JSON for POST and PUT, keyed so that a repeat has no second effect."""
    place = _place(merchant.endpoint, allow_insecure)
    order_id = _quoted(order.id, "")
    path = order_id.join(_around_id(step.path, merchant.id))
    body = order.payload_json if step.method in WITH_BODY else b""
    lines = [
        f"{step.method} {place.path}{path}{place.query} HTTP/1.1",
        place.head,
        f"Idempotency-Key: {_quoted(order.id, _VISIBLE)}:{_quoted(step.name, _VISIBLE)}",
        f"Mr-Attempt: {attempt}",
    ]
    if step.method in WITH_BODY:
        lines.append(f"Content-Type: application/json\r\nContent-Length: {len(body)}")
    for name, value in trace.items():
        lines.append(f"{name}: {value}")
    if merchant.credential:
        lines.append(_field(merchant.credential.header, merchant.credential.value))
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return Request(origin=place.origin, method=step.method, head=head, body=body)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What every request to one endpoint shares; the order's path goes between `path` and `query`."""

    origin: Origin
    path: str
    query: str
    head: str


@lru_cache(maxsize=4096)
def _around_id(path: str, merchant: str) -> tuple[str, ...]:
    """A step's path, cut where the order's id goes: what is quoted before is not changed by being quoted again."""
    filled = path.replace("{merchant}", quote(merchant, safe=""))
    return tuple(quote(part, safe=_IN_PATH) for part in filled.split("{order_id}"))


def _quoted(text: str, safe: str) -> str:
    """As `urllib.parse.quote`, which takes its time also where there is nothing to do."""
    return text if _PLAIN(text) else quote(text, safe=safe)


@lru_cache(maxsize=4096)
def _place(endpoint: str, allow_insecure: bool) -> _Place:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
        # As the resolver and TLS encode it: both would fail with what is no OSError.
        (parts.hostname or "").encode("idna")
        endpoint.encode()
    except ValueError as error:
        raise UnusableEndpoint(f"{endpoint!r} is not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise UnusableEndpoint(f"{endpoint!r} is not an http or https URL")
    if parts.scheme == "http" and not allow_insecure:
        raise UnusableEndpoint(f"{endpoint!r} is not encrypted and the route does not say allowInsecure")
    port = port or _DEFAULT_PORTS[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port == _DEFAULT_PORTS[parts.scheme] else f"{name}:{port}"
    common = "User-Agent: merchantroute-worker\r\nAccept: application/json\r\nAccept-Encoding: identity"
    return _Place(
        origin=Origin(scheme=parts.scheme, host=parts.hostname, port=port),
        path=quote(parts.path.rstrip("/"), safe=_IN_PATH),
        query="?" + quote(parts.query, safe=_IN_PATH) if parts.query else "",
        head=f"{_field('Host', host)}\r\n{common}",
    )


def _field(name: str, value: str) -> str:
    """A header line; a credential with a line break in it must not become a second header."""
    if not _FIELD_NAME.fullmatch(name) or not value.isprintable():
        raise UnusableEndpoint(f"the header {name!r} cannot be sent: its name or value holds what HTTP forbids")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnusableEndpoint(f"the header {name!r} cannot be sent: its value is not Latin-1") from None
    return f"{name}: {value}"
