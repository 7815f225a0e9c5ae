"""The stall-aware clock goes on while the process runs, and stops while it is stalled."""

from collections.abc import Iterator

from merchantroute_worker.runtime.clock import EVERY, TOLERANCE, StallAwareClock, Stopwatch


class Real:
    """The time on the wall."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def run(self, clock: StallAwareClock, seconds: float) -> Iterator[float]:
        """The pod runs for so long; gives what its clock says on the way."""
        for _ in range(round(seconds / EVERY)):
            self.now += EVERY
            clock.tick()
            yield clock.now()


def test_a_pod_that_runs_has_the_time_on_the_wall() -> None:
    real = Real()
    clock = StallAwareClock(real)

    assert list(real.run(clock, 5)) == [1_000 + EVERY * n for n in range(1, 21)]


def test_a_turn_that_is_a_little_late_loses_nothing() -> None:
    real = Real()
    clock = StallAwareClock(real)
    for _ in range(8):
        real.now += TOLERANCE
        assert clock.now() == real.now
        clock.tick()

    assert clock.now() == real.now


def test_time_in_which_the_pod_stood_still_has_not_passed_before_nor_after_its_next_turn() -> None:
    real = Real()
    clock = StallAwareClock(real)
    real.now += 60

    assert clock.now() == 1_000 + TOLERANCE
    clock.tick()
    assert clock.now() == 1_000 + TOLERANCE
    assert list(real.run(clock, 0.5)) == [1_000 + TOLERANCE + EVERY, 1_000 + TOLERANCE + 2 * EVERY]


def test_a_spell_knows_whether_the_pod_stood_still_for_most_of_it() -> None:
    real = Real()
    clock = StallAwareClock(real)
    stopwatch = Stopwatch(clock)
    list(real.run(clock, 5))
    assert (stopwatch.seconds(), stopwatch.was_stalled()) == (5, False)

    real.now += 4
    assert not stopwatch.was_stalled()
    real.now += 60
    assert stopwatch.was_stalled()
    clock.tick()
    assert (stopwatch.seconds(), stopwatch.was_stalled()) == (5 + TOLERANCE, True)
