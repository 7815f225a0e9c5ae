"""What merchants answer by themselves, 5xx, 429, 401 and 403, as the bulkhead judges it by their run."""

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Verdict
from tests.unit.worker.bulkhead.test_bulkhead import LIMITS, holding


def answering(step: str = "submit", *, at: float = 0.0) -> Bulkhead:
    """A merchant with three orders under way that took one of them at this step just now."""
    bulkhead = holding("bistro", 3)
    bulkhead.answered("bistro", at, 0.1, step=step)
    return bulkhead


def test_a_merchant_whose_server_is_away_is_slow_after_three_answers_of_any_orders_and_well_after_a_success() -> None:
    bulkhead = answering()
    for count in range(3):
        assert not bulkhead.is_slow("bistro", 0.2), count
        bulkhead.server_error("bistro", 0.2, step="submit", order=None)

    assert bulkhead.health("bistro", 0.2).slow
    assert bulkhead.decide("bistro", 0.2) is Verdict.SLOW
    # `validate` is answered, but no order gets any further
    bulkhead.answered("bistro", 0.3, 0.1, step="validate")
    assert bulkhead.is_slow("bistro", 0.3)
    bulkhead.answered("bistro", 0.4, 0.1, step="submit")
    assert not bulkhead.is_slow("bistro", 0.4)


def test_an_order_that_alone_meets_500_does_not_make_its_merchant_slow_and_three_do() -> None:
    bulkhead = answering()
    for _ in range(20):
        bulkhead.server_error("bistro", 1.0, step="submit", order="poison")
    assert not bulkhead.is_slow("bistro", 1.0)

    for order in ("second", "third"):
        bulkhead.server_error("bistro", 1.0, step="submit", order=order)
    assert bulkhead.is_slow("bistro", 1.0)


def test_an_idle_merchant_that_answers_errors_is_remembered_as_slow() -> None:
    bulkhead = answering()
    for order in ("a", "b", "c"):
        bulkhead.server_error("bistro", 1.0, step="submit", order=order)
    for slot in range(3):
        bulkhead.release("bistro", ("bistro", slot), 1.0)

    assert bulkhead.slow_names(1.0) == {"bistro"}
    assert bulkhead.decide("bistro", 2.0) is Verdict.ADMIT
    bulkhead.acquire("bistro", "probe", 2.0)
    assert bulkhead.decide("bistro", 2.0) is Verdict.SLOW


def test_a_gate_s_answer_neither_heals_a_merchant_nor_fails_it() -> None:
    bulkhead = answering()
    for _ in range(3):
        bulkhead.server_error("bistro", 1.0, step="submit", order=None)

    bulkhead.asked_to_wait("bistro", 1.0, began=0.9, seconds=1.0)
    bulkhead.credentials_refused("bistro", 1.0, credential="old", step="submit", began=0.9, order=None)

    assert bulkhead.is_slow("bistro", 1.0)


def test_a_merchant_that_asked_for_time_has_no_orders_until_then_and_others_have() -> None:
    bulkhead = answering()
    bulkhead.asked_to_wait("bistro", 1.0, began=0.9, seconds=30.0)

    assert bulkhead.decide("bistro", 30.9) is Verdict.PAUSED
    assert bulkhead.decide("cafe", 30.9) is Verdict.ADMIT
    assert bulkhead.health("bistro", 21.0).wait == 10.0
    assert bulkhead.sums(2.0).paused == 1
    bulkhead.forget(700.0)
    assert bulkhead.sums(700.0).paused == 0
    assert bulkhead.health("bistro", 700.0).wait == 0.0


def test_after_the_pause_it_is_the_rate_that_holds_orders_back() -> None:
    bulkhead = answering()
    bulkhead.asked_to_wait("bistro", 1.0, began=0.9, seconds=30.0)
    for slot in range(3):
        bulkhead.release("bistro", ("bistro", slot), 1.0)

    assert [bulkhead.decide("bistro", now) for now in (30.9, 31.1, 31.2, 32.2)] == [
        Verdict.PAUSED,
        Verdict.ADMIT,
        Verdict.RATE_LIMIT,
        Verdict.ADMIT,
    ]


def test_a_pause_is_remembered_longer_than_an_idle_merchant() -> None:
    bulkhead = answering()
    bulkhead.asked_to_wait("bistro", 1.0, began=0.9, seconds=3_000.0)
    for slot in range(3):
        bulkhead.release("bistro", ("bistro", slot), 1.0)

    bulkhead.forget(2_000.0)

    assert bulkhead.sums(2_000.0).known == 0
    assert bulkhead.decide("bistro", 2_000.0) is Verdict.PAUSED


def test_a_refused_credential_stops_the_merchant_s_orders_until_it_changes() -> None:
    bulkhead = answering()
    bulkhead.credentials_refused("bistro", 1.0, credential="old", step="submit", began=0.9, order=None)

    assert bulkhead.decide("bistro", 1.5) is Verdict.CREDENTIALS
    assert bulkhead.health("bistro", 1.5).credentials_refused
    assert bulkhead.refusals.refusing_credentials() == ["bistro"]
    bulkhead.refusals.credentials_changed({"bistro": "new"}.get)
    assert bulkhead.decide("bistro", 1.5) is Verdict.ADMIT


def test_a_403_is_the_order_s_while_its_merchant_takes_the_step_of_others_and_the_merchant_s_otherwise() -> None:
    def forbidden(bulkhead: Bulkhead, order: str, *, at: float, step: str = "submit") -> bool:
        bulkhead.credentials_refused("bistro", at, credential="old", step=step, began=at, order=order)
        return bulkhead.health("bistro", at).credentials_refused

    bulkhead = answering(at=1.0)
    assert not any(forbidden(bulkhead, "poison", at=2.0) for _ in range(9))
    bulkhead.answered("bistro", 3.0, 0.1, step="submit")
    assert not forbidden(bulkhead, "poison", at=4.0)
    # the third order in a row
    assert not forbidden(bulkhead, "second", at=4.0)
    assert forbidden(bulkhead, "third", at=4.0)
    # nobody was taken for long, or never at this step
    assert forbidden(answering(at=1.0), "first", at=20.0)
    assert forbidden(answering(at=1.0), "first", at=2.0, step="confirm")


def test_a_name_server_of_our_own_that_fails_makes_no_merchant_slow() -> None:
    bulkhead = Bulkhead(LIMITS)
    names = [f"m-{number}" for number in range(10)]
    for name in names:
        bulkhead.acquire(name, name, 0.0)
    for now in range(5):
        for name in names:
            bulkhead.name_failed(name, float(now))

    assert bulkhead.slow_names(5.0) == frozenset()
    assert bulkhead.health("m-3", 5.0).names_fail
    for now in range(100, 103):
        bulkhead.name_failed("m-3", float(now))
    assert bulkhead.slow_names(5.0) == {"m-3"}


def test_a_row_of_a_step_that_nobody_calls_any_more_ends_by_itself() -> None:
    """The route has renamed it, or it asks about orders that came back in other pods."""
    bulkhead = answering()
    for _ in range(3):
        bulkhead.server_error("bistro", 1.0, step="submit.verify", order=None)
    slow = {}
    for now in (60.0, 62.0):
        for slot in range(3):
            bulkhead.begin_call("bistro", ("bistro", slot), now, step="submit")
        bulkhead.answered("bistro", now, 0.1, step="submit")
        slow[now] = bulkhead.is_slow("bistro", now)

    assert slow == {60.0: True, 62.0: False}


def test_an_own_task_neither_asks_about_credentials_nor_waits_for_them() -> None:
    bulkhead = answering()
    bulkhead.credentials_refused("bistro", 1.0, credential="old", step="submit", began=0.9, order=None)

    assert {bulkhead.decide("bistro", 5.0, own_task=True) for _ in range(20)} == {Verdict.ADMIT}
    assert [bulkhead.decide("bistro", 5.0) for _ in range(2)] == [Verdict.ADMIT, Verdict.CREDENTIALS]


def test_an_order_that_gets_no_slot_is_not_the_one_that_asks() -> None:
    bulkhead = answering()
    bulkhead.credentials_refused("bistro", 1.0, credential="old", step="submit", began=0.9, order=None)
    for _ in range(3):
        bulkhead.server_error("bistro", 1.0, step="validate", order=None)
    assert bulkhead.decide("bistro", 5.0) is Verdict.SLOW

    bulkhead.answered("bistro", 5.0, 0.1, success=False, step="validate")
    assert [bulkhead.decide("bistro", 5.0) for _ in range(2)] == [Verdict.ADMIT, Verdict.CREDENTIALS]
