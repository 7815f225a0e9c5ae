"""Work that runs in greenlets that others ran in: each piece ends once, and a late cancel hits nobody else's."""

import weakref
from functools import partial

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.runtime.kept_greenlets import KeptGreenlets, Run
from tests.unit.worker.fuzz import FUZZ


def turn() -> None:
    """Let everything run that is ready to run now."""
    gevent.sleep(0)


class Ends:
    """Counts how often the work of a name ended."""

    def __init__(self) -> None:
        self.of: list[str] = []

    def spawn(self, greenlets: KeptGreenlets, name: str, work: object = None, *arguments: object) -> Run:
        return greenlets.spawn(work or (lambda: None), *arguments, on_end=lambda: self.of.append(name))  # type: ignore[arg-type]


def test_a_greenlet_runs_one_piece_of_work_after_the_other() -> None:
    seen: list[object] = []
    greenlets, ends = KeptGreenlets(2), Ends()
    for name in ("a", "b", "c"):
        ends.spawn(greenlets, name, lambda: seen.append(gevent.getcurrent()))
        assert name not in ends.of, "it begins in the hub's next turn"
        turn()

    assert ends.of == ["a", "b", "c"]
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_a_greenlet_that_is_kept_keeps_nothing_of_its_work() -> None:
    class Order:
        """What work is about."""

    order = Order()
    kept = weakref.ref(order)
    greenlets, ends = KeptGreenlets(1), Ends()
    for _ in range(2):  # in a new greenlet, and in one that is kept
        ends.spawn(greenlets, "order", id, order)
        turn()
    assert len(ends.of) == 2

    del order

    assert kept() is None


def test_no_more_greenlets_are_kept_than_may_be() -> None:
    seen: list[object] = []
    greenlets, ends, over = KeptGreenlets(1), Ends(), Event()

    def work() -> None:
        seen.append(gevent.getcurrent())
        over.wait()

    for _ in range(2):
        for _ in range(2):
            ends.spawn(greenlets, "one", work)
        turn()
        over.set()
        turn()
        over.clear()

    assert len(ends.of) == 4
    assert len(set(seen)) == 3


def test_what_is_cancelled_ends_where_it_waits_and_its_greenlet_goes_on() -> None:
    greenlets, ends = KeptGreenlets(1), Ends()
    run = ends.spawn(greenlets, "cancelled", Event().wait)
    turn()
    run.cancel()
    turn()
    assert ends.of == ["cancelled"]

    ends.spawn(greenlets, "next")
    turn()
    assert ends.of == ["cancelled", "next"]


def test_what_is_cancelled_before_it_begins_never_does() -> None:
    greenlets, ends, began = KeptGreenlets(1), Ends(), Event()
    for _ in range(2):  # in a new greenlet, and in one that is kept
        ends.spawn(greenlets, "cancelled", began.set).cancel()
        turn()
        assert not began.is_set()
        assert ends.of.pop() == "cancelled"
        ends.spawn(greenlets, "runs")
        turn()
        assert ends.of.pop() == "runs"


def test_a_cancel_that_comes_as_the_work_ends_does_not_hit_the_next_one_of_its_greenlet() -> None:
    greenlets, ends, over, first_over = KeptGreenlets(1), Ends(), Event(), Event()
    first = ends.spawn(greenlets, "first", first_over.wait)
    turn()
    first_over.set()  # in the next turn the first ends, the second gets its greenlet, and the cancel is carried out
    gevent.spawn(ends.spawn, greenlets, "second", over.wait)
    first.cancel()
    turn()
    turn()
    assert ends.of == ["first"]

    over.set()
    turn()
    assert ends.of == ["first", "second"]


def test_whatever_work_raises_it_ends_once_and_others_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    greenlets, ends = KeptGreenlets(1), Ends()

    def fail(error: BaseException) -> None:
        raise error

    for error in (ValueError("told"), MemoryError("told"), gevent.Timeout(1), gevent.GreenletExit("silent")):
        ends.spawn(greenlets, type(error).__name__, fail, error)
        turn()
        ends.spawn(greenlets, "next")
        turn()

    assert ends.of == ["ValueError", "next", "MemoryError", "next", "Timeout", "next", "GreenletExit", "next"]
    assert capsys.readouterr().err.count("Error: told") == 2, "gevent reports errors, and no cancel"


def test_all_work_is_cancelled_at_once() -> None:
    greenlets, ends = KeptGreenlets(3), Ends()
    for name in "abc":
        ends.spawn(greenlets, name, Event().wait)
    turn()
    greenlets.cancel()
    turn()
    assert sorted(ends.of) == ["a", "b", "c"]


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(["spawn", "cancel", "finish", "fail", "turn"]), st.integers(0, 9))))
def test_in_any_order_of_events_each_piece_ends_once_and_only_by_its_own_cancel(events: list[tuple[str, int]]) -> None:
    greenlets = KeptGreenlets(2)
    over: list[Event] = []
    runs: list[Run] = []
    finished: list[int] = []
    ended: list[int] = []
    cancelled: set[int] = set()
    failing: set[int] = set()

    def work(number: int) -> None:
        over[number].wait()
        if number in failing:
            raise gevent.GreenletExit
        finished.append(number)

    for what, number in [*events, ("turn", 0), *(("finish", each) for each in range(len(events)))]:
        if what == "spawn":
            over.append(Event())
            runs.append(greenlets.spawn(work, len(runs), on_end=partial(ended.append, len(runs))))
        elif what == "turn":
            turn()
        elif number < len(runs):
            if what == "cancel":
                cancelled.add(number)
                runs[number].cancel()
            else:
                failing.update({number} if what == "fail" and number not in finished else ())
                over[number].set()
    for _ in range(3):
        turn()

    assert sorted(ended) == list(range(len(runs)))
    assert set(range(len(runs))) - set(finished) <= cancelled | failing
