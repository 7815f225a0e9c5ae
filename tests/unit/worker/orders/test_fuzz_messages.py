"""Fuzzed messages are parsed as an order or rejected with a reason, and can always be published again."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from merchantroute_worker.calls.request import UnusableEndpoint, build
from merchantroute_worker.orders import decisions, envelope
from merchantroute_worker.orders.answers import FAILURES, Answer
from merchantroute_worker.orders.attempt_result import Attempt, MerchantHealth
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.messages import DeathReason, Incoming, plain, to_dead, to_rung
from merchantroute_worker.orders.outcome import Done, ToDead, ToLadder
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.orders.task_body import Malformed, Undecodable
from tests.unit.worker.fuzz import AMQP, FUZZ, JSON, TEXTS, dumped, encodable, mutated
from tests.unit.worker.samples import ROUTE, route

NOW = 1_700_000_000.0
VERIFY = {"method": "GET", "path": "/orders/{order_id}"}
JOURNAL = {
    "v": 1,
    "steps": [{**ROUTE["steps"][0], "verify": VERIFY}, ROUTE["steps"][1]],
    "done": ["validate"],
    "attempts": 1,
    "refusals": 0,
    "unsure": ["validate"],
    "notBefore": 1_700_000_000_000,
    "answer": "5xx",
    "answerText": "HTTP 503",
}
HEALTH = st.builds(
    MerchantHealth,
    slow=st.booleans(),
    wait=st.floats(0, 1e4),
    credentials_refused=st.booleans(),
    names_fail=st.booleans(),
)
GOOD = [[], {"order": {"id": "o-1", "items": [{"price": 1.5}]}}, {"merchantroute": JOURNAL, "chain": None}]
HEADERS = {
    "task": "merchantroute.order",
    "id": "o-1",
    "eta": "2030-01-01T00:00:00",
    "expires": "2031-01-01T00:00:00",
    "mr-published-at": 1_600_000_000_000,
    "mr-first-seen": 1_600_000_000_000,
}
# The protocol fixes their types: short texts, an octet, a time.
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("content_type", "content_encoding", "reply_to", "message_id", "type", "app_id"), TEXTS),
        "priority": st.integers(0, 255),
        "timestamp": st.integers(0, 2**63 - 1),
    },
)
BODIES = st.binary(max_size=60) | JSON.map(dumped) | mutated(GOOD).map(dumped)
TABLES = mutated(HEADERS, AMQP) | st.dictionaries(TEXTS, AMQP, max_size=4)
KEYS = st.just("bistro") | TEXTS
IDS = st.just("o-1") | st.none() | TEXTS
ANSWERS = st.builds(Answer, status=st.integers(100, 999)) | st.builds(Answer, failure=st.sampled_from(sorted(FAILURES)))


def deep(levels: int) -> bytes:
    return b'[[],{"order":{"a":' + b"[" * levels + b"]" * levels + b"}},{}]"


def in_dead_letters(incoming: Incoming, why: DeathReason, order: Order | None = None) -> None:
    """A dead letter can be published, at worst without the headers of others."""
    message = to_dead(incoming, why, exchange="dead", order=order, steps=route().steps)
    assert encodable(message) or encodable(plain(message))
    assert plain(message).headers["mr-reason"] == why.reason


def carried(order: Order, message: Incoming) -> None:
    """Every way that an order can go from here on is open."""
    try:
        decision = decisions.before_slot(order, message.headers, route(), now=NOW, unknown_after=300)
    except Malformed:
        in_dead_letters(message, DeathReason(reason="malformed"))
        return
    assert isinstance(decision, Run | ToLadder | ToDead)
    settled(decision, message)
    steps = order.journal.steps or route().steps
    for step in [*steps, *(step.verify for step in steps if step.verify)]:
        made = build(step, order, Merchant(id=order.merchant, endpoint="https://x.example"), attempt=1,
                     insecure_hosts=())  # fmt: skip
        assert made.head.count(b"\r\n\r\n") == 1
        assert made.head.split(b"\r\n")[0].count(b" ") == 2


def settled(decision: Any, message: Incoming) -> None:
    if isinstance(decision, ToLadder):
        assert decision.rung in route().delays
        sent = to_rung(message, decision.order, route().steps, exchange="ladder", rung=decision.rung)
        assert encodable(sent) or encodable(plain(sent))
        again = envelope.read(
            body=sent.body,
            headers=plain(sent).headers,
            correlation_id=sent.properties["correlation_id"],
            routing_key=sent.routing_key,
        )
        assert again.payload == decision.order.payload
        assert again.journal.done == decision.order.journal.done
    elif isinstance(decision, ToDead):
        in_dead_letters(message, decision.why, decision.order)


@FUZZ
@given(body=BODIES, headers=TABLES, properties=PROPERTIES, key=KEYS, order_id=IDS)
@example(body=deep(900), headers={}, properties={}, key="bistro", order_id="o-1")
@example(body=deep(240), headers={}, properties={}, key="bistro", order_id="o-1")
@example(body=b'[[],{"order":{"total":1e999}},{}]', headers={}, properties={}, key="bistro", order_id="o-1")
@example(body=dumped(GOOD), headers={}, properties={}, key="bistro", order_id="\ud83d")
@example(body=dumped(GOOD), headers={"mr-published-at": 2**63 - 1}, properties={}, key="nobody", order_id="o")
def test_a_message_is_an_order_or_has_a_reason_and_goes_on_either_way(
    body: bytes, headers: dict[str, Any], properties: dict[str, Any], key: str, order_id: str | None
) -> None:
    message = Incoming(
        routing_key=key, body=body, properties={**properties, "correlation_id": order_id}, headers=headers
    )
    try:
        order = envelope.read(body=body, headers=headers, correlation_id=order_id, routing_key=key)
    except Undecodable:
        in_dead_letters(message, DeathReason(reason="undecodable"))
    except Malformed:
        in_dead_letters(message, DeathReason(reason="malformed"))
    else:
        carried(order, message)


@FUZZ
@given(journal=mutated(JOURNAL), answer=ANSWERS | st.none(), health=HEALTH, draw=st.floats(0, 1, exclude_max=True))
@example(journal={**JOURNAL, "attempts": 2**63}, answer=Answer(status=500), health=MerchantHealth(), draw=0.0)
@example(journal={**JOURNAL, "attempts": -(2**70)}, answer=Answer(status=500), health=MerchantHealth(), draw=0.0)
@example(journal={**JOURNAL, "steps": [{"name": "a", "method": "GET / HTTP/1.1\r\nX:", "path": "/"}]}, answer=None,
         health=MerchantHealth(), draw=0.0)  # fmt: skip
def test_an_attempt_at_any_order_that_could_be_read_has_an_outcome(
    journal: Any, answer: Answer | None, health: MerchantHealth, draw: float
) -> None:
    body = dumped([[], {"order": {}}, {"merchantroute": journal}])
    message = Incoming(routing_key="bistro", body=body, properties={"correlation_id": "o-1"}, headers={})
    try:
        order = envelope.read(body=body, headers={}, correlation_id="o-1", routing_key="bistro")
    except (Malformed, Undecodable):
        return
    carried(order, message)
    step = (order.journal.steps or route().steps)[0]
    result = Attempt(done=order.journal.done, step=step if answer else None, answer=answer)

    decision = decisions.after_attempt(order, result, route(), health=health, draw=draw, now=NOW)

    assert isinstance(decision, Done | ToLadder | ToDead)
    settled(decision, message)
    json.loads(decision.order.encode(route().steps))


@FUZZ
@given(stamp=st.integers(0, 2**63 - 1), merchant=st.sampled_from(["bistro", "nobody"]))
def test_no_stamp_makes_an_order_live_for_ever(stamp: int, merchant: str) -> None:
    stamps = {"mr-published-at": stamp, "mr-first-seen": stamp}
    order = envelope.read(body=dumped(GOOD), headers=stamps, correlation_id="o-1", routing_key=merchant)
    decision = decisions.before_slot(order, stamps, route(), now=NOW, unknown_after=300)

    once: Order = decision.order
    late = decisions.before_slot(once, {}, route(), now=NOW + route().max_age + 1, unknown_after=300)

    assert isinstance(late, ToDead)


def test_a_step_of_a_journal_that_is_no_step_is_no_order() -> None:
    for step in ({"name": "a\ud83d", "method": "GET", "path": "/"}, {"name": "a", "method": "get it", "path": "/"},
                 {"name": "a", "method": "GET", "path": "no slash"}):  # fmt: skip
        body = dumped([[], {"order": {}}, {"merchantroute": {**JOURNAL, "steps": [step]}}])
        try:
            envelope.read(body=body, headers={}, correlation_id="o-1", routing_key="bistro")
        except Malformed:
            continue
        raise AssertionError(step)


UNUSABLE = st.sampled_from(["https://", "https://a..b/", "https://x\ud83d/", "https://" + "a" * 70 + ".b/"])


@FUZZ
@given(
    endpoint=TEXTS.map("https://".__add__) | TEXTS | UNUSABLE,
    merchant=st.text(max_size=20),
    value=TEXTS,
    order_id=st.text(max_size=20),
)
def test_an_endpoint_can_be_called_or_there_is_a_reason(
    endpoint: str, merchant: str, value: str, order_id: str
) -> None:
    order = envelope.read(body=dumped(GOOD), headers={}, correlation_id="o-1", routing_key="bistro")
    to = Merchant(id=merchant, endpoint=endpoint, credential=Credential(header="X-Key", value=value))
    for step in route().steps:
        try:
            made = build(step, replace(order, id=order_id), to, attempt=1, insecure_hosts=())
        except UnusableEndpoint:
            continue
        assert made.head.count(b"\r\n\r\n") == 1
        assert made.head.endswith(b"\r\n\r\n")
        made.origin.host.encode("idna")
