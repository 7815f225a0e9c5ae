"""Time-outs of calls: each one is raised in its own greenlet when it is due, and only while its call goes on."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import gevent
import gevent.event
import pytest

from merchantroute_worker.calls.call_timeout import CallTimeout, CallTimeouts, call_timeouts

LONG = 60.0


@pytest.fixture
def timeouts() -> CallTimeouts:
    return CallTimeouts(gevent.get_hub())


@contextmanager
def within(timeouts: CallTimeouts, seconds: float) -> Iterator[int]:
    number = timeouts.start(seconds)
    try:
        yield number
    finally:
        timeouts.stop(number)


@contextmanager
def raised(timeouts: CallTimeouts, seconds: float) -> Iterator[None]:
    """The call in here ends by its own time-out."""
    with pytest.raises(CallTimeout) as expired, within(timeouts, seconds) as number:
        yield
    assert expired.value.number == number


def holds_up_the_hub_until(then: float) -> None:
    while time.monotonic() < then:
        pass


def test_each_is_raised_when_it_is_due_whatever_the_order_of_their_starts(timeouts: CallTimeouts) -> None:
    ended: list[float] = []

    def waits(seconds: float) -> None:
        with raised(timeouts, seconds):
            gevent.event.Event().wait(LONG)
        ended.append(seconds)

    gevent.joinall([gevent.spawn(waits, seconds) for seconds in (0.3, 0.1, 0.2, 0.1)], LONG, raise_error=True)

    assert ended == [0.1, 0.1, 0.2, 0.3]


def test_a_call_that_has_ended_is_not_interrupted(timeouts: CallTimeouts) -> None:
    def calls() -> None:
        with within(timeouts, 0.01):
            pass
        with raised(timeouts, 0.05):
            gevent.event.Event().wait(LONG)

    gevent.spawn(calls).get(timeout=LONG)


def test_one_that_was_stopped_in_the_turn_in_which_it_was_due_is_not_raised(timeouts: CallTimeouts) -> None:
    """Both are due at once, and the greenlet of the first one stops the second."""
    others: list[int] = []

    def first() -> str:
        with raised(timeouts, 0.05):
            gevent.event.Event().wait(LONG)
        timeouts.stop(others[0])
        return "raised"

    def other() -> str:
        others.append(timeouts.start(0.05))
        holds_up_the_hub_until(time.monotonic() + 0.1)  # both are due then
        gevent.sleep(0.1)
        return "undisturbed"

    both = [gevent.spawn(first), gevent.spawn(other)]

    assert [each.get(timeout=LONG) for each in both] == ["raised", "undisturbed"]


def test_an_error_of_one_greenlet_does_not_take_the_others_time_outs(timeouts: CallTimeouts) -> None:
    def fails() -> None:
        with within(timeouts, 0.05):
            gevent.event.Event().wait(LONG)

    def waits() -> str:
        with raised(timeouts, 0.1):
            gevent.event.Event().wait(LONG)
        return "raised"

    failed, other = gevent.spawn(fails), gevent.spawn(waits)

    assert other.get(timeout=LONG) == "raised"
    with pytest.raises(CallTimeout):
        failed.get(timeout=LONG)


def test_every_thread_s_hub_has_its_own() -> None:
    here = call_timeouts()

    assert call_timeouts() is here
    with ThreadPoolExecutor(1) as thread:
        there, hub = thread.submit(lambda: (call_timeouts(), gevent.get_hub())).result(LONG)
    assert there.hub is hub is not here.hub


def test_a_hub_that_was_replaced_is_not_used_again() -> None:
    """As in a child process."""

    def replaces() -> None:
        before = call_timeouts()
        gevent.get_hub().destroy()
        assert call_timeouts().hub is gevent.get_hub() is not before.hub

    with ThreadPoolExecutor(1) as thread:
        thread.submit(replaces).result(LONG)
