"""What the merchants' log of calls says."""

from benchmarks.isolation_compared.merchant_calls import Call, ends, first_call, most_at_once


def call(began: float, ended: float, merchant: str = "a", step: str = "validate", status: int = 200) -> Call:
    """One call of an order."""
    return Call("r-1", step, merchant, began, ended, status)


def test_an_order_ends_with_the_first_good_answer_of_its_last_step() -> None:
    calls = [
        call(1, 2, step="submit"),
        call(2, 3, step="confirm", status=0),
        call(4, 5, step="confirm"),
        call(6, 7, step="confirm"),
    ]

    assert ends(calls) == {"r-1": 5}


def test_calls_that_touch_are_not_at_the_same_time() -> None:
    assert most_at_once([call(1, 2), call(2, 3)], {"a"}, 0, 10) == 1
    assert most_at_once([call(1, 2.1), call(2, 3)], {"a"}, 0, 10) == 2


def test_each_merchant_is_counted_for_itself_within_the_time() -> None:
    calls = [call(1, 5), call(1, 5, "b"), call(6, 9), call(6, 9), call(6, 9)]

    assert most_at_once(calls, {"a", "b"}, 0, 5) == 1
    assert most_at_once(calls, {"b"}, 0, 10) == 1
    assert most_at_once(calls, {"c"}, 0, 10) == 0


def test_a_call_that_is_under_way_meets_a_fault_as_that_begins() -> None:
    calls = [call(1, 2), call(2, 6), call(5, 7, "b")]

    assert first_call(calls, "a", 4) == 4
    assert first_call(calls, "b", 4) == 5
    assert first_call(calls, "a", 6) is None
