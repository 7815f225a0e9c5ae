"""What a row of the outbox holds, and which rows a relay removes, on a table of the test's own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.client import BadOrder, NotSafe, Order, Receipt
from merchantroute_worker.client.message import Message, write
from merchantroute_worker.client.outbox import LONGEST_DELAY, Claim, Failure, Relay, Round, Row, columns, row

NAMES = st.text(min_size=1, max_size=60).filter(lambda text: "\0" not in text and text not in {".", ".."})


class Table:
    """Rows in memory, as a store gives them."""

    def __init__(self, *ids: str) -> None:
        self.rows = [
            row({"id": number, **columns(Order({}, merchant="bistro", order_id=order_id))})
            for number, order_id in enumerate(ids)
        ]
        self.failed: Sequence[Failure] = ()
        self.error: BaseException | None = None

    @contextmanager
    def claim(self, limit: int, now: int) -> Iterator[Claim]:
        assert all(each.message.published_at <= now for each in self.rows)
        table = self

        class Claimed:
            rows: Sequence[Row] = table.rows[:limit]

            def settle(self, confirmed: Sequence[int], failed: Sequence[Failure]) -> None:
                table.rows = [each for each in table.rows if each.id not in confirmed]
                table.failed = failed

        try:
            yield Claimed()
        except BaseException as error:
            self.error = error
            raise


class Answers:
    """A client that answers what it is told to: a receipt, or how often it published in vain."""

    def __init__(self, **in_vain: int) -> None:
        self.in_vain = in_vain
        self.published: list[str] = []

    def publish_messages(self, messages: Sequence[Message], *, within: float | None = None) -> list[Receipt | NotSafe]:
        assert within is None
        self.published += [message.order_id for message in messages]
        return [self._outcome(message) for message in messages]

    def _outcome(self, message: Message) -> Receipt | NotSafe:
        attempts = self.in_vain.get(message.order_id)
        if attempts is None:
            return Receipt(
                order_id=message.order_id, merchant=message.merchant, published_at=message.published_at, attempts=1
            )
        return NotSafe(message.order_id, message.merchant, "returned as un\0routable", attempts > 0, attempts)


@given(order=st.dictionaries(st.text(), st.text() | st.integers(), max_size=5), merchant=NAMES, order_id=NAMES)
def test_a_row_is_the_message_that_the_client_would_publish(
    order: dict[str, Any], merchant: str, order_id: str
) -> None:
    given_order = Order(order, merchant=merchant, order_id=order_id, headers={"X-Request-ID": "7"})
    kept = columns(given_order)

    read = row({"id": 1, **kept}).message

    assert read == write(given_order, now=kept["published_at"] / 1000, new_id=str)
    assert all(isinstance(value, str | int) for value in kept.values())
    assert not any("\0" in value for value in kept.values() if isinstance(value, str))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"headers": {"at": b"bytes"}}, "headers are not JSON"),
        ({"headers": {"x": float("nan")}}, "headers are not JSON"),
        ({"merchant": "a\0b"}, "NUL"),
        ({"order_id": "a\0b"}, "NUL"),
        ({"merchant": ""}, "merchant must be"),
    ],
)
def test_what_no_row_can_hold_is_refused_before_the_transaction_ends(more: dict[str, Any], why: str) -> None:
    with pytest.raises(BadOrder, match=why):
        columns(Order({}, **{"merchant": "bistro", "order_id": "x", **more}))


def test_exactly_the_confirmed_ones_are_removed() -> None:
    table, client = Table("a", "b", "c", "d"), Answers(b=2, c=0)

    did = Relay(table, client, batch=10).run_once()

    assert did == Round(claimed=4, confirmed=2)
    assert [each.message.order_id for each in table.rows] == ["b", "c"]
    assert client.published == ["a", "b", "c", "d"]


def test_only_what_was_sent_in_vain_waits_longer() -> None:
    table = Table("sent", "never-sent")

    Relay(table, Answers(**{"sent": 1, "never-sent": 0})).run_once()

    (failure,) = table.failed
    assert (failure.id, failure.attempts, failure.problem) == (0, 1, "returned as unroutable")


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 4), (4, 32), (5, LONGEST_DELAY), (5000, LONGEST_DELAY)])
def test_it_waits_longer_each_time_up_to_a_minute(attempts: int, seconds: float) -> None:
    table = Table("x")
    published_at = table.rows[0].message.published_at
    table.rows = [Row(id=0, message=table.rows[0].message, attempts=attempts)]

    Relay(table, Answers(x=1)).run_once()

    assert table.failed[0].due_at - published_at >= seconds * 1000
    assert table.failed[0].due_at - published_at < seconds * 1000 + 60_000


def test_an_error_while_publishing_removes_nothing() -> None:
    class Broken(Answers):
        def publish_messages(self, *_: Any, **__: Any) -> list[Receipt | NotSafe]:
            raise RuntimeError("broken")

    table = Table("a")
    with pytest.raises(RuntimeError, match="broken"):
        Relay(table, Broken()).run_once()

    assert len(table.rows) == 1
    assert isinstance(table.error, RuntimeError)


def test_it_runs_until_it_is_told_to_stop() -> None:
    table = Table(*map(str, range(25)))

    class Stops(Answers):
        def publish_messages(self, messages: Sequence[Message], **more: Any) -> list[Receipt | NotSafe]:
            if len(self.published) == 20:
                relay.stopping.set()
            return super().publish_messages(messages, **more)

    relay = Relay(table, Stops(), batch=10)
    relay.run()

    assert table.rows == []
