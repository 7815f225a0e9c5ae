"""When a publish is tried, tried once, or refused: the breaker, on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.client.breaker import PROBE_PAUSE, STALE, Admission, Breaker

AFTER = 10.0
TRY, ONCE, REFUSE = Admission.TRY, Admission.TRY_ONCE, Admission.REFUSE


def failing(*moments: float) -> Breaker:
    breaker = Breaker(AFTER)
    for moment in moments:
        breaker.failed(moment, "refused")
    return breaker


@pytest.mark.parametrize(
    ("failures", "now", "admission"),
    [
        ((), 1000.0, TRY),
        ((0.0,), 1.0, TRY),
        ((0.0, 9.9), 10.0, TRY),  # nobody knows yet that it has lasted for ten seconds
        ((0.0, 10.0), 10.0, ONCE),
        ((0.0,), 11.0, TRY),  # one failure, and no other since
        ((0.0, 10.0), 10.0 + STALE + 1, ONCE),
        ((0.0, STALE + 1), STALE + 1, TRY),  # two failures that have nothing to do with each other
        ((0.0, STALE, 2 * STALE, 3 * STALE + 1), 3 * STALE + 1, ONCE),  # but an outage that is known goes on
    ],
)
def test_it_opens_when_failures_have_gone_on_for_long(
    failures: tuple[float, ...], now: float, admission: Admission
) -> None:
    assert failing(*failures).admit(now) is admission


def test_one_at_a_time_tries_once_and_the_next_after_a_pause() -> None:
    breaker = failing(0.0, 10.0)

    assert [breaker.admit(10.0) for _ in range(3)] == [ONCE, REFUSE, REFUSE]
    breaker.failed(11.0, "refused")
    breaker.probe_ended(11.0)
    assert breaker.admit(11.0 + PROBE_PAUSE / 2) is REFUSE
    assert [breaker.admit(11.0 + PROBE_PAUSE) for _ in range(2)] == [ONCE, REFUSE]
    breaker.answered()
    assert [breaker.admit(12.1) for _ in range(2)] == [TRY, TRY]


def test_old_news_refuse_nobody() -> None:
    breaker = failing(0.0, 10.0)

    assert [breaker.admit(10.0 + STALE + 1) for _ in range(3)] == [ONCE, ONCE, ONCE]


def test_a_broker_that_blocks_says_itself_when_that_is_over() -> None:
    breaker = failing(0.0)

    assert [breaker.admit(moment, blocked=True) for moment in (5.0, 10.0, 10.0 + 2 * STALE)] == [TRY, REFUSE, REFUSE]
    breaker.answered()
    assert breaker.admit(80.0) is TRY


def test_it_says_for_how_long_and_why() -> None:
    assert failing(0.0, 10.0).problem(12.0) == "not tried, since publishing has failed for 12 s: refused"


def test_without_a_bound_it_never_opens() -> None:
    breaker = Breaker(None)
    for moment in range(100):
        breaker.failed(float(moment), "refused")

    assert breaker.admit(100.0) is TRY


EVENTS = st.lists(
    st.tuples(st.sampled_from(["fail", "answer", "publish", "probe over"]), st.floats(0.0, STALE * 1.5)), max_size=60
)


@given(EVENTS)
def test_whatever_happens_it_refuses_only_a_known_outage_and_never_for_good(events: list[tuple[str, float]]) -> None:
    breaker, now, first, last, probing = Breaker(AFTER), 0.0, None, 0.0, False
    for event, pause in events:
        now += pause
        if event == "fail":
            breaker.failed(now, "refused")
            first, last = (now if first is None else first), now
        elif event == "answer":
            breaker.answered()
            first = None
        elif event == "probe over":
            breaker.probe_ended(now)
            probing = False
        else:
            admission = breaker.admit(now)
            if admission is not TRY:
                assert first is not None
                assert last - first >= AFTER
            if admission is ONCE:
                assert not probing or now - last > STALE
                probing = True
            if admission is REFUSE:
                assert now - last <= STALE
    breaker.probe_ended(now)
    assert breaker.admit(now + PROBE_PAUSE) is not REFUSE
