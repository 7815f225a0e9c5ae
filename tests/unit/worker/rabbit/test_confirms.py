"""Publisher confirms: the publish that an ack, a nack or a return belongs to."""

import threading
from functools import partial

from merchantroute_worker.rabbit.confirms import Confirm, Confirms


class Told:
    """What publishers were told, by name."""

    def __init__(self, *names: str) -> None:
        self.confirms = Confirms()
        self.answers: dict[str, str | None] = {}
        self.waiting = {name: Confirm((name, "bistro", "x"), partial(self.answers.__setitem__, name)) for name in names}
        for confirm in self.waiting.values():
            self.confirms.add(confirm)


def test_each_publish_hears_its_own_answer() -> None:
    told = Told("a", "b", "c")

    told.confirms.answered(2, False, nacked=False)
    told.confirms.answered(1, False, nacked=True)

    assert told.answers == {"b": None, "a": "the broker refused it"}
    assert len(told.confirms) == 1


def test_one_answer_can_be_for_all_before_it() -> None:
    told = Told("a", "b", "c")

    told.confirms.answered(2, True, nacked=False)

    assert told.answers == {"a": None, "b": None}


def test_a_returned_message_is_not_safe_although_it_is_confirmed() -> None:
    told = Told("a", "b")

    told.confirms.returned(("b", "bistro", "x"), "no queue took it")
    told.confirms.answered(2, True, nacked=False)

    assert told.answers == {"a": None, "b": "no queue took it"}


def test_of_two_messages_with_one_id_the_older_is_the_returned_one() -> None:
    told = Told()
    for name in ("first", "second"):
        told.confirms.add(Confirm(("same", "bistro", "x"), partial(told.answers.__setitem__, name)))

    told.confirms.returned(("same", "bistro", "x"), "returned")
    told.confirms.answered(1, False, nacked=False)
    told.confirms.answered(2, False, nacked=False)

    assert told.answers == {"first": "returned", "second": None}


def test_a_return_is_not_taken_for_another_merchant_s_order_with_the_same_id() -> None:
    told = Told()
    for merchant in ("bistro", "trattoria"):
        told.confirms.add(Confirm(("same", merchant, "1001"), partial(told.answers.__setitem__, merchant)))

    told.confirms.returned(("same", "trattoria", "1001"), "returned")
    told.confirms.answered(2, True, nacked=False)

    assert told.answers == {"bistro": None, "trattoria": "returned"}


def test_a_lost_channel_answers_nobody_and_everybody_is_told() -> None:
    told = Told("a", "b")

    told.confirms.forget(told.waiting["a"])
    told.confirms.lost("404")

    assert told.answers == {"b": "404"}
    assert len(told.confirms) == 0


def test_what_others_publish_meanwhile_does_not_disturb_the_reader() -> None:
    """A dict that grows while it is walked raises; publishers are other threads where the pool has threads."""
    told = Told("a", "b")
    others: list[threading.Thread] = []

    class Key(tuple[str, str, str]):
        """While it is compared, another thread publishes, or waits until the reader is through."""

        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            others.append(threading.Thread(target=told.confirms.add, args=(Confirm(("c", "", ""), print),)))
            others[-1].start()
            others[-1].join(0.05)
            return False

        __hash__ = tuple.__hash__

    told.confirms.returned(Key(("b", "bistro", "x")), "no queue took it")

    for other in others:
        other.join()
    assert len(told.confirms) == 4
