"""Builds the HTTP request of a step. Pure.

What all requests of one step at one merchant share is built once and cached.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from merchantroute_worker.calls.endpoint import DEFAULT_PORTS, read
from merchantroute_worker.egress.patterns import matches
from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.shape import WITH_BODY
from merchantroute_worker.orders.steps.step import Step

IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})  # RFC 9110, section 9.2.2, as far as steps may use them
NOTHING: Mapping[str, str] = MappingProxyType({})
PUBLIC_ONLY = Egress()
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
PLAIN = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch
IN_PATH = "/%:@!$&'()*+,;=~-._?"
_VISIBLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class UnusableEndpoint(ValueError):
    """The merchant's endpoint cannot be called; the text says why."""


class Origin(NamedTuple):
    """Scheme, host and port of a URL (RFC 6454): a pool of connections belongs to one origin."""

    scheme: str
    host: str
    port: int


class Request(NamedTuple):
    """One request; `head` are the bytes of request line and headers.

    `repeatable` says whether it may be sent a second time though the merchant may have executed it: its method is
    idempotent, and its step has no verify call, which is there because a repeat does harm. `keep` says that the
    answer's headers and body are read, `egress` are the rules by which an address is judged before it is connected to.
    """

    origin: Origin
    method: str
    head: bytes
    body: bytes
    repeatable: bool = False
    egress: Egress = PUBLIC_ONLY
    keep: bool = False


def build(
    step: Step,
    order: Order,
    merchant: Merchant,
    *,
    attempt: int,
    insecure_hosts: tuple[str, ...],
    egress: Egress = PUBLIC_ONLY,
    trace: Mapping[str, str] = NOTHING,
) -> Request:
    """Build a step's request: the order as JSON for POST, PUT and PATCH; its idempotency key makes repeats safe.

    `insecure_hosts` are patterns of the hosts whose endpoints may be http://.
    """
    template = _template(step.method, step.path, step.name, merchant.id, merchant.endpoint, insecure_hosts)
    in_path = order.id if PLAIN(order.id) else quote(order.id, safe="")
    key = _key(step.path, order, merchant)
    head = f"{in_path.join(template.path)}{template.before_key}{key}{template.before_attempt}{attempt}\r\n"
    body = b""
    if step.method in WITH_BODY:
        body = order.payload
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    if trace:
        head += "".join([f"{name}: {value}\r\n" for name, value in trace.items()])
    if merchant.credential:
        head += header_field(merchant.credential.header, merchant.credential.value) + "\r\n"
    repeatable = step.verify is None and step.method in IDEMPOTENT
    return Request(template.origin, step.method, f"{head}\r\n".encode("latin-1"), body, repeatable, egress)


def idempotency_key(name: str, path: str, order: Order, merchant: Merchant) -> str:
    """The idempotency key of a step's calls for an order."""
    return f"{_key(path, order, merchant)}:{quote(name, safe=_VISIBLE)}"


def _key(path: str, order: Order, merchant: Merchant) -> str:
    """The part of the key that all steps share, or those with a path of this kind."""
    key = order.id if PLAIN(order.id) else quote(order.id, safe=_VISIBLE)
    if order.journal.merchant_in_key and "{merchant}" not in path:
        key = f"{quote(merchant.id, safe='')}/{key}"
    return key


class _Template(NamedTuple):
    """What the heads of all requests of one step at one merchant share. The order's id joins the parts of `path`."""

    origin: Origin
    path: tuple[str, ...]
    before_key: str
    before_attempt: str


@lru_cache(maxsize=4096)
def _template(
    method: str, path: str, name: str, merchant: str, endpoint: str, insecure_hosts: tuple[str, ...]
) -> _Template:
    base = endpoint_parts(endpoint, insecure_hosts)
    first, *others = _around_id(path, merchant)
    return _Template(
        origin=base.origin,
        path=(f"{method} {base.path}{first}", *others),
        before_key=f" HTTP/1.1\r\n{base.head}\r\nIdempotency-Key: ",
        before_attempt=f":{quote(name, safe=_VISIBLE)}\r\nMr-Attempt: ",
    )


@dataclass(frozen=True, kw_only=True)
class EndpointParts:
    """The parts of the head that all requests to one endpoint share; a step's path follows on `path`."""

    origin: Origin
    path: str
    host: str
    head: str


def _around_id(path: str, merchant: str) -> list[str]:
    """A step's path, split at {order_id}. It may be quoted before the id is: quoting twice changes nothing else."""
    filled = path.replace("{merchant}", quote(merchant, safe=""))
    return [quote(part, safe=IN_PATH) for part in filled.split("{order_id}")]


@lru_cache(maxsize=4096)
def endpoint_parts(endpoint: str, insecure_hosts: tuple[str, ...]) -> EndpointParts:
    """Read an endpoint; UnusableEndpoint where it cannot be called."""
    shown = "its endpoint" if "@" in endpoint else repr(endpoint)  # a password may stand before it
    try:
        url = read(endpoint)
    except ValueError as error:
        raise UnusableEndpoint(f"{shown} cannot be called: {error}") from None
    if url.scheme == "http" and not any(matches(pattern, url.host) for pattern in insecure_hosts):
        raise UnusableEndpoint(
            f"{shown} is not encrypted, and the route has neither its host in spec.egress.insecureHosts nor "
            "spec.orders.allowInsecure"
        )
    name = f"[{url.host}]" if ":" in url.host else url.host
    host = name if url.port == DEFAULT_PORTS[url.scheme] else f"{name}:{url.port}"
    common = "User-Agent: merchantroute-worker\r\nAccept: application/json\r\nAccept-Encoding: identity"
    return EndpointParts(
        origin=Origin(scheme=url.scheme, host=url.host, port=url.port),
        path=quote(url.path, safe=IN_PATH),
        host=host,
        head=f"{header_field('Host', host)}\r\n{common}",
    )


def header_field(name: str, value: str) -> str:
    """A header field. A credential with a line break in it must not become a second header."""
    if not _FIELD_NAME.fullmatch(name) or not value.isprintable():
        raise UnusableEndpoint(f"the header {name!r} cannot be sent: its name or value holds what HTTP forbids")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnusableEndpoint(f"the header {name!r} cannot be sent: its value is not Latin-1") from None
    return f"{name}: {value}"
