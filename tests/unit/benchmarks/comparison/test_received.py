"""The merchants' book: calls to the fraction, whole series in a window, and nobody's answers in another's run."""

from benchmarks.comparison.received import ReceivedCalls


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def settled() -> tuple[ReceivedCalls, Clock]:
    """A book at half a second's latency, past the time in which answers are spread."""
    clock = Clock()
    calls = ReceivedCalls(clock)
    calls.reset(0.5)
    calls.answer(calls.run, *calls.receive(b"r-0:validate")[:3])
    clock.now += 1.5
    return calls, clock


def test_a_call_that_has_waited_for_a_part_of_its_latency_is_a_part_of_a_call() -> None:
    calls, clock = settled()
    before = calls.look()["progress"]

    order, step, received, seconds = calls.receive(b"r-1:validate")
    clock.now += 0.125
    under_way = calls.look()["progress"]
    clock.now += 0.375
    calls.answer(calls.run, order, step, received)

    assert seconds == 0.5
    assert under_way - before == 0.25
    assert calls.look()["progress"] - before == 1.0


def test_answers_are_spread_over_twice_the_latency_until_a_series_could_be_over() -> None:
    clock = Clock()
    calls = ReceivedCalls(clock)
    calls.reset(0.5)

    spread = [calls.receive(b"r-%d:validate" % number)[3] for number in range(200)]
    clock.now += 1.5

    assert 0 <= min(spread) < 0.2
    assert 0.8 < max(spread) <= 1.0
    assert calls.receive(b"r-0:submit")[3] == 0.5


def test_a_series_is_timed_that_begins_within_the_window() -> None:
    calls, clock = settled()
    early = calls.receive(b"r-1:validate")
    clock.now += 0.25
    calls.begin()
    late = calls.receive(b"r-2:validate")
    clock.now += 1.0
    for order, *_ in (early, late):
        calls.answer(calls.run, *calls.receive(order + b":confirm")[:3])

    assert calls.took == [1.0]
    assert calls.look()["done"] == 2


def test_what_a_killed_contender_left_behind_is_not_the_next_ones() -> None:
    calls, clock = settled()
    run, left = calls.run, calls.receive(b"r-1:confirm")[:3]

    calls.reset(0.5)
    clock.now += 0.5
    calls.answer(run, *left)

    seen = calls.look()
    assert (seen["progress"], seen["waiting"], seen["done"]) == (0.0, 0, 0)


def test_a_second_receipt_of_a_step_is_seen() -> None:
    calls, _ = settled()
    calls.receive(b"r-1:submit")
    calls.receive(b"r-1:submit")

    assert calls.orders[b"r-1"] == [0, 2, 0]
