"""When gevent's hub counts as blocked, for how long, and how often that is logged."""

from merchantroute_worker.reporting.hub_monitor import LOG_INTERVAL, BlockDetector, LogLimiter
from merchantroute_worker.telemetry.counters import BlockedHub


def test_a_timer_that_fires_in_time_is_no_block() -> None:
    detector = BlockDetector(threshold=0.5, last_tick=10.0)

    assert [detector.tick(10.25 + 0.25 * n) for n in range(4)] == [None] * 4
    assert detector.blocked_for(11.7) is None
    assert detector.tick(11.7) is None


def test_a_block_is_measured_from_the_tick_that_was_due() -> None:
    detector = BlockDetector(threshold=0.5, last_tick=10.0)

    assert detector.blocked_for(10.75) == 0.5
    assert detector.tick(12.25) == 2.0
    assert detector.blocked_for(12.25) is None
    assert detector.tick(12.25) is None, "the timer that is late comes twice at once"


def test_each_block_is_logged_once_and_one_a_minute() -> None:
    limiter = LogLimiter()

    assert limiter.allows(10.0, 10.5)
    assert not limiter.allows(10.0, 80.0)
    assert limiter.allows(80.0, 81.0)
    assert not limiter.allows(90.0, 91.0)
    assert limiter.allows(90.0, 81.0 + LOG_INTERVAL), "it is still blocked"


def test_the_longest_stays_and_the_latest_changes() -> None:
    hub = BlockedHub()
    hub.record(3.0, 100.0)
    hub.record(1.0, 200.0)

    assert (hub.count, hub.longest, hub.latest, hub.last_ended) == (2, 3.0, 1.0, 200.0)
