"""Publisher confirms of the client: the order that an answer is about, and what is known of one that was given up."""

import pickle

import pytest

from merchantroute_worker.client import BadOrder, NotAllSafe, NotSafe, Order, Receipt
from merchantroute_worker.client.message import write
from merchantroute_worker.client.pending import Batch, Pending, Unconfirmed
from merchantroute_worker.client.schedule import SLOWEST, Schedule, pause


def pending(order_id: str, merchant: str = "bistro") -> Pending:
    return Pending(write(Order({}, merchant, order_id), now=0.0, new_id=str))


class Answers:
    """The answers for these orders, published on one channel."""

    def __init__(self, *ids: str) -> None:
        self.settled: list[tuple[Pending, bool, str | None]] = []
        self.unconfirmed = Unconfirmed(lambda *answer: self.settled.append(answer))
        self.orders = [pending(order_id) for order_id in ids]
        for number, order in enumerate(self.orders):
            order.publishing()
            self.unconfirmed.add(order, float(number))

    def to(self, tag: int, *, multiple: bool = False, nacked: bool = False) -> list[tuple[Pending, bool, str | None]]:
        """The orders that an answer settles: each with whether it was refused, and why it was returned."""
        self.settled.clear()
        self.unconfirmed.answered(tag, multiple, nacked=nacked)
        return list(self.settled)


def test_an_answer_is_about_its_tag_or_about_all_up_to_it() -> None:
    answers = Answers("a", "b", "c", "d")
    a, b, c, d = answers.orders

    assert answers.to(2) == [(b, False, None)]
    assert answers.to(3, multiple=True, nacked=True) == [(a, True, None), (c, True, None)]
    assert answers.to(3, multiple=True) == []
    assert answers.unconfirmed.oldest() == 3.0
    assert answers.unconfirmed.lost() == [d]
    assert len(answers.unconfirmed) == 0


def test_a_return_is_about_the_oldest_order_with_its_id_that_has_not_come_back() -> None:
    answers = Answers("x", "y", "x")
    first, other, second = answers.orders

    answers.unconfirmed.returned(("mr.a.b", "bistro", "x"), "no queue")
    answers.unconfirmed.returned(("mr.a.b", "bistro", "x"), "no queue either")

    settled = [(first, False, "no queue"), (other, False, None), (second, False, "no queue either")]
    assert answers.to(3, multiple=True) == settled


def test_a_return_is_not_taken_for_another_merchant_s_order_with_the_same_id() -> None:
    answers = Answers("1001")
    other = pending("1001", "trattoria")
    answers.unconfirmed.add(other, 1.0)

    answers.unconfirmed.returned(("mr.a.b", "trattoria", "1001"), "no queue")

    assert answers.to(2, multiple=True) == [(answers.orders[0], False, None), (other, False, "no queue")]


def test_a_new_channel_counts_its_tags_from_one() -> None:
    answers = Answers("a", "b")
    order = pending("c")

    answers.unconfirmed.restart()
    answers.unconfirmed.add(order, 7.0)

    assert answers.to(1) == [(order, False, None)]


def test_a_blocked_broker_stops_the_clocks() -> None:
    unconfirmed = Answers("a", "b").unconfirmed

    unconfirmed.restart_clocks(100.0)

    assert unconfirmed.oldest() == 100.0


@pytest.mark.parametrize(
    ("story", "may_have_arrived"),
    [
        ([], False),
        (["off"], True),
        (["off", "refused"], False),
        (["off", "lost"], True),
        (["off", "lost", "off", "refused"], True),
        (["off", "refused", "off"], True),
    ],
)
def test_an_order_may_have_arrived_if_any_attempt_was_left_without_an_answer(
    story: list[str], may_have_arrived: bool
) -> None:
    order = pending("x")
    for event in story:
        if event == "off":
            order.publishing()
        else:
            order.failed(event, unknown=event == "lost")

    order.give_up("the end")

    assert isinstance(order.outcome, NotSafe)
    assert (order.outcome.may_have_arrived, order.outcome.attempts) == (may_have_arrived, story.count("off"))


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ([], "no confirm within 3 s"),
        (["off"], "no confirm within 3 s"),
        (["off", "refused"], "refused"),
        (["off", "refused", "off"], "no confirm within 3 s, and before that: refused"),
    ],
)
def test_an_attempt_under_way_does_not_hide_what_the_one_before_it_met(story: list[str], told: str) -> None:
    order = pending("x")
    for event in story:
        if event == "off":
            order.publishing()
        else:
            order.failed(event, unknown=False)

    assert order.timeout_reason(3.0) == told


def test_what_the_caller_was_told_first_stands() -> None:
    confirmed, given_up = pending("x"), pending("y")
    for order in (confirmed, given_up):
        order.publishing()
    confirmed.confirmed()
    confirmed.give_up("too late")
    given_up.give_up("too late")
    given_up.confirmed()

    assert isinstance(confirmed.outcome, Receipt)
    assert isinstance(given_up.outcome, NotSafe)


def test_orders_are_sent_when_they_are_due_in_the_order_of_their_coming() -> None:
    schedule = Schedule()
    orders = {name: pending(name) for name in ("later", "first", "second", "given up")}
    schedule.add(orders["later"], 5.0)
    for name in ("first", "second", "given up"):
        schedule.add(orders[name], 1.0)
    orders["given up"].give_up("over")
    schedule.forget_settled()

    assert schedule.pop(0.5) is None
    assert [schedule.pop(2.0), schedule.pop(2.0), schedule.pop(2.0)] == [orders["first"], orders["second"], None]
    assert schedule.next_due() == 5.0
    assert schedule.all() == [orders["later"]]


def test_pauses_grow_up_to_a_second_and_differ() -> None:
    assert [0.025 * 2**n <= pause(n + 1) <= 0.05 * 2**n for n in range(4)] == [True] * 4
    assert 0.5 <= pause(1000) <= SLOWEST
    assert len({pause(5) for _ in range(10)}) > 1


def test_errors_travel_between_processes() -> None:
    error = NotSafe("x", "bistro", "404", may_have_arrived=False, attempts=3)
    receipt = Receipt(order_id="y", merchant="bistro", published_at=1, attempts=1)
    batch = NotAllSafe([receipt, error, BadOrder("no")])

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.order_id, again.attempts) == (str(error), "x", 3)
    assert str(pickle.loads(pickle.dumps(batch))) == str(batch)  # noqa: S301
    assert "2 of 3 orders are not safe" in str(batch)
    assert "number 1: order 'x'" in str(batch)


def test_whoever_waits_for_several_orders_is_woken_once_when_the_last_is_settled() -> None:
    woken: list[str] = []
    orders = [pending("a"), pending("b"), pending("c")]
    Batch(orders, lambda: woken.append("woken"))

    orders[1].confirmed()
    orders[0].give_up("over")
    orders[0].confirmed()
    assert woken == []
    orders[2].confirmed()
    orders[2].give_up("too late")
    assert woken == ["woken"]
