"""A few hundred messages of all kinds at a real worker: each is done, or dead with a reason, and the worker lives."""

import json
from base64 import b64encode
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files, topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.unit.worker.fuzz import AMQP, JSON, dumped, mutated

MESSAGES = 300
JOURNAL = {"v": 1, "steps": mounted_files.STEPS, "done": [], "attempts": 1, "refusals": 0}
SOUP = {"id": "the-id", "items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250}
GOOD = [[], {"order": SOUP}, {"merchantroute": JOURNAL, "chain": None}]
HEADERS = {"task": "merchantroute.order", "id": "o", "eta": "2020-01-01T00:00:00", "retries": 0}
# The broker itself refuses a CC or BCC that is no list.
NAMES = st.text(st.characters(categories=["L", "N", "P"]), max_size=12).filter(lambda name: name not in {"CC", "BCC"})
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.sampled_from(["application/json", "application/x-python-serialize", "text/plain", "soup"]),
        "content_encoding": st.sampled_from(["utf-8", "latin-1", "binary", "utf-16", "gzip", "soup", ""]),
        "priority": st.integers(0, 255),
        "expiration": st.just("3600000"),
        "type": NAMES,
        "reply_to": NAMES,
        "timestamp": st.integers(0, 4_000_000_000),
    },
)
TABLE = st.dictionaries(NAMES, AMQP, max_size=3)
ODD = (
    st.just(HEADERS)
    | mutated(HEADERS, AMQP)
    | st.builds(lambda own, more: {**more, **own}, mutated(HEADERS, AMQP), TABLE)
)
COMPRESSED = st.sampled_from([{}, {}, {"compression": "application/x-gzip"}, {"compression": "soup"}])
BODY = st.just(dumped(GOOD)) | mutated(GOOD).map(dumped) | JSON.map(dumped) | st.binary(max_size=50)
MESSAGE = st.tuples(BODY, ODD, COMPRESSED, PROPERTIES) | st.tuples(st.just(dumped(GOOD)), ODD, st.just({}), st.just({}))
# What people really send: the time in milliseconds where AMQP has seconds, and times beyond what Python can hold.
STAMPS = (1_732_448_000_000, 2**63 - 1, 253_402_300_800)


def some(count: int) -> list[Any]:
    """The same messages in every run."""
    drawn: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(MESSAGE)
    def draw(message: Any) -> None:
        drawn.append(message)

    draw()
    return drawn


def publish_with_stamp(lane: LocalLane, merchant: str, order_id: str, stamp: int) -> None:
    """Through the management API, as a script with curl does: py-amqp itself could not write such a time."""
    body = [[], {"order": {**SOUP, "id": order_id}}, {}]
    headers = {"task": "merchantroute.order", "id": order_id}
    properties = {"correlation_id": order_id, "content_type": "application/json", "content_encoding": "utf-8"}
    answer = lane.vhost.api(
        "POST",
        f"exchanges/{lane.vhost.name}/{topology.FRONT}/publish",
        {
            "properties": {**properties, "delivery_mode": 2, "timestamp": stamp, "headers": headers},
            "routing_key": merchant,
            "payload": b64encode(json.dumps(body).encode()).decode(),
            "payload_encoding": "base64",
        },
    )
    assert answer["routed"]
    lane.published.append(order_id)


def test_whatever_is_published_is_done_or_dead_with_a_reason(lane: LocalLane) -> None:
    merchant = lane.merchant("any")
    # An ETA in a far year is an honest wish: such an order waits until it is too old.
    lane.limits = {"maxAttempts": 2, "maxAgeMs": 10_000}
    lane.configure(merchant)
    worker = lane.work(MR_UNKNOWN_AFTER="0").ready()
    for number, (body, headers, compressed, properties) in enumerate(some(MESSAGES)):
        mine = {**headers, **compressed, "fuzz": number}
        task = {} if "task" in headers else {"task": None}
        order_id = f"{lane.run}-{number}"
        text = body.replace(b'"the-id"', f'"{order_id}"'.encode())
        lane.publish(merchant, order_id, body=text, headers={**task, **mine}, **properties)

    until(lambda: not without_an_end(lane), "every message to have an end", 90)

    assert len(lane.published) > MESSAGES // 2
    assert all(letter["headers"].get("mr-reason") for letters in lane.dead.values() for letter in letters)
    assert worker.process.poll() is None
    until(lambda: lane.queued() == 0, "nothing to be queued")
    assert lane.ledger()["lost"] == 0
    assert len(lane.done) > 10, "hardly any of these were orders"
    assert len(lane.dead) > 10, "hardly any of these were none"


def without_an_end(lane: LocalLane) -> list[str]:
    lane.look()
    return [order_id for order_id in lane.published if order_id not in lane.done and order_id not in lane.dead]


def test_an_empty_body_in_an_encoding_that_nobody_knows_stops_no_pod(lane: LocalLane) -> None:
    merchant = lane.merchant("any")
    lane.configure(merchant)
    lane.work().ready()
    lane.publish(merchant, f"{lane.run}-empty", body=b"", content_encoding="soup")

    lane.until_done(lane.orders(merchant, 20))

    lane.until_dead([f"{lane.run}-empty"])


def test_a_time_that_python_cannot_hold_stops_no_pod(lane: LocalLane) -> None:
    merchant = lane.merchant("any")
    lane.configure(merchant)
    worker = lane.work().ready()
    for number, stamp in enumerate(STAMPS):
        publish_with_stamp(lane, merchant, f"{lane.run}-t{number}", stamp)

    lane.until_done(lane.orders(merchant, 20))

    until(lambda: not without_an_end(lane), "every message to have an end", 60)
    assert worker.process.poll() is None
