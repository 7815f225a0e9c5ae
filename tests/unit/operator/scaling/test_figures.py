"""What the scaler makes of counters that are late, restart, or are not there yet."""

from __future__ import annotations

import pytest

from merchantroute_operator.scaling.figures import History, due_retries, observe, remember
from merchantroute_operator.scaling.model import Observation, Pulse, QueueReading
from merchantroute_operator.spec.route import Scaling
from merchantroute_operator.topology.objects import QueueSample

POLICY = Scaling(1, 10, 30.0, 120.0, 2.0, paused=False)


def reading(at: float, published: int | None, ready: int | None = 0) -> QueueReading:
    return QueueReading(at, QueueSample(messages=ready, ready=ready, unacked=3, published=published, consumers=1))


def pulse(at: float, finished: int, busy_seconds: float, *, pod: str = "a", started: int = 1) -> Pulse:
    return Pulse(
        pod=pod,
        namespace="orders",
        route="pos",
        tier="standard",
        lane="stable",
        started=started,
        at=at,
        generation=1,
        busy=0,
        busy_seconds=busy_seconds,
        finished=finished,
        retried=0,
        dead=0,
    )


def seen(history: History, now: float, *, replicas: int = 1, rungs: dict[int, int | None] | None = None) -> Observation:
    samples = {ms: QueueSample(n, n, 0, 0, 0) for ms, n in (rungs or {}).items()}
    return observe(history, now=now, rungs=samples, policy=POLICY, replicas=replicas, ready_pods=1)


def after(readings: list[QueueReading], pulses: list[list[Pulse]] | None = None) -> History:
    history = History()
    for index, one in enumerate(readings):
        given = pulses[index] if pulses else []
        history = remember(history, reading=one, pulses=given, now=one.at)
    return history


@pytest.mark.parametrize(
    ("readings", "now", "rate"),
    [
        # (second, cumulative publishes)
        ([(0, 100), (5, 150)], 5, 10.0),
        # the same sample read again changes nothing
        ([(0, 100), (2, 100), (4, 100), (5, 150), (7, 150), (9, 150)], 9, 10.0),
        # only what is older than the broker's own period counts as standing still
        ([(0, 100), (5, 150), (8, 150)], 8, 10.0),
        ([(0, 100), (5, 150), (15, 150)], 15, 5.0),
        ([(0, 100), (5, 150), (20, 150)], 20, 0.0),
        # a burst after a long silence is not spread over the silence
        ([(0, 100), (50, 100), (100, 100), (105, 200)], 105, 100 / 15),
        ([(0, 100), (2, 100), (4, 100)], 4, None),  # too early to tell
        ([(0, 100), (2, 100), (10, 100)], 10, 0.0),
        # the window moves on
        ([(0, 0), (5, 1000), (10, 1050), (15, 1100), (20, 1150), (25, 1200)], 25, 10.0),
        # a broker that restarted counts anew
        ([(0, 100), (5, 3)], 5, None),
        # nothing was ever published to the queue, or not since the broker started: it has no counter
        ([(0, None), (5, None)], 5, None),
        ([(0, None), (5, None)], 10, 0.0),
        ([(0, None), (5, 100), (10, 150)], 10, 15.0),
        ([(0, 100), (5, None)], 5, None),
        ([], 5, None),
    ],
)
def test_arrivals_are_differenced_over_changed_samples(
    readings: list[tuple[float, int | None]], now: float, rate: float | None
) -> None:
    history = after([reading(at, published) for at, published in readings])
    assert seen(history, now).arrival_rate == (rate if rate is None else pytest.approx(rate))


def test_a_reading_older_than_15_seconds_is_stale() -> None:
    history = after([reading(0, 100)])
    assert seen(history, 15).fresh
    assert not seen(history, 15.1).fresh
    assert not seen(History(), 0).fresh


def test_a_queue_that_stands_still_is_not_stale_as_long_as_it_is_read() -> None:
    history = after([reading(float(second), 100) for second in range(0, 62, 2)])
    observation = seen(history, 61)
    assert observation.fresh
    assert (observation.queued, observation.in_flight, observation.arrival_rate) == (0, 3, 0.0)


@pytest.mark.parametrize(
    ("rungs", "due"),
    [
        # TTL in ms -> messages; the drain time is 30 s
        ({}, 0.0),
        ({1000: 10, 30_000: 10}, 20.0),  # all come back in time
        ({120_000: 100}, 25.0),  # a quarter does
        ({1000: 10, 120_000: None}, None),  # unknown is not none
    ],
)
def test_retries_count_by_the_share_that_comes_back_in_time(rungs: dict[int, int | None], due: float | None) -> None:
    samples = {ms: QueueSample(n, 0, 0, None, None) for ms, n in rungs.items()}
    assert due_retries(samples, 30.0) == due


def test_an_unknown_rung_makes_the_figures_unusable() -> None:
    assert not seen(after([reading(0, 1)]), 0, rungs={1000: None}).fresh


def test_work_is_summed_over_pods_from_their_counters() -> None:
    history = after(
        [reading(0, 1), reading(10, 1)],
        [
            [pulse(0, 100, 50.0), pulse(0, 7, 1.0, pod="b")],
            [pulse(10, 150, 250.0), pulse(10, 17, 101.0, pod="b")],
        ],
    )
    observation = seen(history, 10)
    assert observation.finished_rate == pytest.approx(5.0 + 1.0)
    assert observation.busy == pytest.approx(20.0 + 10.0)


def test_a_container_that_restarted_counts_from_its_new_start() -> None:
    history = after(
        [reading(0, 1), reading(10, 1), reading(14, 1)],
        [[pulse(0, 100, 50.0)], [pulse(10, 2, 1.0, started=2)], [pulse(14, 6, 9.0, started=2)]],
    )
    assert seen(history, 14).finished_rate == pytest.approx(1.0)


def test_pods_that_have_spoken_once_or_have_gone_silent_say_nothing() -> None:
    once = after([reading(0, 1)], [[pulse(0, 100, 50.0)]])
    assert (seen(once, 0).finished_rate, seen(once, 0).busy) == (None, None)
    twice = after([reading(0, 1), reading(10, 1)], [[pulse(0, 100, 50.0)], [pulse(10, 110, 60.0)]])
    assert seen(twice, 10).finished_rate == pytest.approx(1.0)
    assert seen(twice, 30).finished_rate is None


def test_the_same_pulse_seen_at_every_tick_is_one_pulse() -> None:
    same = pulse(0, 100, 50.0)
    history = after([reading(0, 1), reading(2, 1), reading(4, 1)], [[same], [same], [same]])
    assert history.pulses["a"] == (same,)
    assert seen(history, 4).finished_rate is None


def test_a_lane_without_pods_works_on_nothing() -> None:
    observation = seen(after([reading(0, 1)]), 0, replicas=0)
    assert (observation.replicas, observation.finished_rate, observation.busy) == (0, 0.0, 0.0)


def test_the_history_stays_small() -> None:
    history = History()
    for tick in range(500):
        now = 2.0 * tick
        history = remember(history, reading=reading(now, tick), pulses=[pulse(now, tick, now)], now=now)
    assert len(history.readings) <= 10
    assert len(history.pulses["a"]) <= 10
