"""Any message of the dead-letter queue is listed, shown and replayed: no crash, no control character on a terminal."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.cli.dead_letter import read
from merchantroute_worker.cli.filters import Filters
from merchantroute_worker.cli.replay_message import replay_message
from merchantroute_worker.cli.show import document, text
from merchantroute_worker.cli.table import Newest
from tests.unit.cli.dead_letter_samples import NOW

NAMES = st.sampled_from(
    ["mr-reason", "mr-step", "mr-attempts", "mr-published-at", "mr-first-published-at", "mr-replays", "mr-answer-class",
     "x-death", "expires", "compression", "id", "task", "token"]
) | st.text()  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes()
VALUES = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=8)
BODIES = st.binary() | st.sampled_from(
    [b"[[],{},{}]", b'[[],{"order":{}},{"merchantroute":{"v":1}}]', b'[[],{"order":{}},{"merchantroute":[]}]',
     b'[[],{"order":{}},{"merchantroute":{"v":1,"steps":[],"done":[],"attempts":1e9,"refusals":0}}]',
     b'[[],{"order":{}},{"merchantroute":{"steps":7,"done":7}}]']
)  # fmt: skip


@given(headers=st.dictionaries(NAMES, VALUES, max_size=6), body=BODIES, key=st.text(), order_id=st.none() | st.text())
def test_any_message_is_a_letter(headers: dict[str, Any], body: bytes, key: str, order_id: str | None) -> None:
    letter = read(
        tag=1,
        routing_key=key,
        body=body,
        properties={"application_headers": headers, "correlation_id": order_id},
        front_door="mr.orders.pos",
    )
    newest = Newest(1)
    newest.add(letter)
    Filters(since=0.0).match(letter)
    document(letter)

    shown = text(letter, now=NOW)
    sent = replay_message(letter, exchange="door", now=NOW, reset_attempts=True)

    assert all(each.isprintable() or each == "\n" for each in shown)
    assert (sent.routing_key, sent.mandatory, sent.headers["mr-published-at"]) == (key, True, round(NOW * 1000))
    assert not {"mr-reason", "mr-step", "x-death"} & set(sent.headers)
