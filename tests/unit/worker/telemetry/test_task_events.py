"""Task events hold what monitors need, whatever the message, and nothing of what a task was given."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.orders.messages import Incoming
from merchantroute_worker.telemetry.task_events import LIMIT, RecordedTaskEvents

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def message(body: bytes = b"", properties: Any = None, **headers: Any) -> Incoming:
    return Incoming(routing_key="bistro", body=body, properties=properties or {}, headers=headers)


def test_a_task_s_life_is_told_in_order_with_its_merchant() -> None:
    events, one = RecordedTaskEvents(), message(b"Jane Doe", task="shop.cook", id="t-1", argsrepr="['Jane Doe']")
    events.received(one)
    events.started(one)
    events.succeeded(one, 0.25)
    told = events.take(10)

    assert [(each.type, each.uuid) for each in told] == [
        ("task-received", "t-1"), ("task-started", "t-1"), ("task-succeeded", "t-1"),
    ]  # fmt: skip
    assert (told[0].fields["name"], told[0].fields["routing_key"]) == ("shop.cook", "bistro")
    assert told[2].fields["runtime"] == 0.25
    assert "Jane" not in json.dumps([each.fields for each in told])


@pytest.mark.parametrize("reason", ["merchant-rejected", "it's"])
def test_a_failure_is_an_exception_s_class_and_the_reason(reason: str) -> None:
    events = RecordedTaskEvents()
    events.failed(message(id="t-1"), reason, "ValueError")
    (told,) = events.take(1)
    assert told.fields["exception"] == f"ValueError({reason!r})"


@given(
    headers=st.dictionaries(st.sampled_from(["id", "task", "retries", "root_id", "parent_id"]), ANYTHING),
    other=ANYTHING,
)
def test_any_headers_give_events_that_json_can_hold(headers: dict[str, Any], other: Any) -> None:
    events = RecordedTaskEvents()
    one = message(properties={"correlation_id": other}, **headers)
    events.received(one)
    events.retried(one, "timeout")

    for told in events.take(10):
        assert told.uuid
        json.dumps(told)


def test_the_oldest_are_dropped_while_nobody_takes_them() -> None:
    events = RecordedTaskEvents()
    for number in range(LIMIT + 5):
        events.started(message(id=f"t-{number}"))

    told = events.take(LIMIT + 5)
    assert (len(told), told[0].uuid) == (LIMIT, "t-5")
