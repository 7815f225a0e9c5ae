"""Deadlines against merchants and name servers that misbehave, in a process patched as production is.

How close a deadline is kept is for `make bench-deadlines` to say; here ten times is enough, and the order of events.
"""

import json
import resource
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent.resolver.ares import Resolver

from merchantroute_kit.servers import misbehaving
from merchantroute_kit.servers.misbehaving import Misbehaving
from merchantroute_worker.calls.attempt import attempt, call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Merchant, parse
from merchantroute_worker.orders.steps.step import Step
from tests.unit.worker.samples import INDEX, MERCHANTS, ROUTE
from tests.worker.patched.raw_merchant import HERE

LIMIT = 0.5
BODY = b"x" * 8_000_000
ENDLESS = [
    "silent", "headers-stop", "headers-drip", "interim-drip", "body-stop", "body-drip", "chunks-drip", "never-reads",
    "never-accepts",
]  # fmt: skip
FLOODS = {"headers-flood": "reset", "interim-flood": "reset", "chunks-flood": "2xx", "body-flood": "2xx"}


@pytest.fixture(scope="module")
def bad() -> Iterator[Misbehaving]:
    made = Misbehaving()
    yield made
    made.close()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(50)
    yield made
    made.close()


@pytest.fixture
def names(bad: Misbehaving) -> Iterator[None]:
    """Names are looked up as the launcher has it, at a server of ours."""
    hub = gevent.get_hub()
    before, hub.resolver = hub.resolver, Resolver(servers=["127.0.0.1"], udp_port=str(bad.ports["names"]))
    yield
    hub.resolver.close()
    hub.resolver = before


def call(
    client: HttpClient,
    port: int,
    host: str = "127.0.0.1",
    scheme: str = "http",
    body: bytes = b"",
    within: float = LIMIT,
) -> Answer:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    origin = Origin(scheme=scheme, host=host, port=port)
    request = Request(origin=origin, method="POST", head=head, body=body, egress=HERE)
    return call_within(client, request, within)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("behaviour", ENDLESS)
def test_a_call_ends_at_its_deadline(bad: Misbehaving, client: HttpClient, behaviour: str) -> None:
    began = time.monotonic()

    answer = call(client, bad.ports[behaviour], body=BODY if behaviour == "never-reads" else b"")

    assert answer.failure == "timeout"
    assert LIMIT <= time.monotonic() - began < 10 * LIMIT


def test_a_call_ends_at_its_deadline_within_the_tls_handshake(bad: Misbehaving, client: HttpClient) -> None:
    began = time.monotonic()

    assert call(client, bad.ports["silent"], scheme="https").failure == "timeout"

    assert LIMIT <= time.monotonic() - began < 10 * LIMIT


def test_calls_that_are_cut_leave_no_connection_open(bad: Misbehaving, client: HttpClient) -> None:
    call(client, bad.ports["silent"], scheme="https")
    before = descriptors()

    for scheme, behaviour in (("https", "silent"), ("http", "body-drip"), ("http", "never-accepts")):
        cut = [gevent.spawn(call, client, bad.ports[behaviour], scheme=scheme) for _ in range(10)]
        assert {greenlet.get().failure for greenlet in cut} == {"timeout"}

    assert descriptors() <= before


@pytest.mark.parametrize("behaviour", FLOODS)
def test_a_flood_is_cut_off_long_before_the_deadline_and_others_are_served_meanwhile(
    bad: Misbehaving, client: HttpClient, behaviour: str
) -> None:
    began = time.monotonic()
    floods = [gevent.spawn(call, client, bad.ports[behaviour]) for _ in range(20)]

    answer = call(client, bad.ports["healthy"])

    assert answer.status == 200
    assert {greenlet.get().label for greenlet in floods} <= {FLOODS[behaviour], "timeout"}
    assert time.monotonic() - began < 10 * LIMIT


def test_names_that_nobody_answers_for_end_at_the_deadline_and_hold_up_no_other(
    bad: Misbehaving, client: HttpClient, names: None
) -> None:
    began = time.monotonic()
    hung = [gevent.spawn(call, client, 80, f"hung-{n}.example") for n in range(40)]
    gevent.sleep(0)

    healthy = call(client, bad.ports["healthy"], "pos.example")
    waiting = [greenlet for greenlet in hung if not greenlet.ready()]

    assert healthy.status == 200
    assert len(waiting) == 40, "the healthy merchant's name was looked up behind the hung ones"
    assert {greenlet.get().failure for greenlet in hung} == {"timeout"}
    assert time.monotonic() - began < 10 * LIMIT


def test_a_gigabyte_in_a_gzip_bomb_costs_neither_memory_nor_time(bad: Misbehaving, client: HttpClient) -> None:
    piece = zlib.decompressobj(31).decompress(misbehaving.bomb(), 8 * misbehaving.BOMB_BLOCK)
    assert len(piece) == 8 * misbehaving.BOMB_BLOCK, "the bomb is none"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answers = [gevent.spawn(call, client, bad.ports["gzip-bomb"], within=60.0) for _ in range(20)]

    assert {greenlet.get().status for greenlet in answers} == {200}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "kilobytes"


class Heard:
    """The calls of an attempt, as the bulkhead hears of them."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begins(self, step: Step) -> dict[str, str]:
        self.said.append(f"{step.name} begins")
        return {}

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        del seconds
        self.said.append(f"{step.name} {answer.label}")


def test_the_series_ends_at_its_own_deadline_whatever_each_call_may_take(bad: Misbehaving, client: HttpClient) -> None:
    steps = [{"name": name, "method": "POST", "path": "/"} for name in ("one", "two", "three")]
    limits = {"callTimeoutMs": 60_000, "deadlineMs": 500, "allowInsecure": True, "steps": steps}
    limits |= {"egress": {"allow": ["127.0.0.0/8"]}}
    route = parse(index=INDEX, route={**ROUTE, **limits}, merchants=[MERCHANTS], credentials=[])
    body = json.dumps([[], {"order": {}}, {"merchantroute": None}]).encode()
    order = envelope.read(body=body, headers={}, correlation_id="o-1", routing_key="bistro")
    heard = Heard()
    began = time.monotonic()

    result = attempt(
        order,
        Merchant(id="bistro", endpoint=f"http://127.0.0.1:{bad.ports['body-drip']}"),
        route,
        client,
        heard,
    )

    assert 0.5 <= time.monotonic() - began < 5.0
    assert heard.said == ["one begins", "one timeout"]
    assert result.answer is not None
    assert result.answer.failure == "timeout"
