"""A merchant that refuses its credentials is asked now and then, until it takes them or they change."""

from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.bulkhead.refused_credentials import FIRST, LONGEST, RefusedCredentials


def refused(*merchants: str, most: int = 100) -> RefusedCredentials:
    """All of them refuse the old credential at 10 s."""
    refusals = RefusedCredentials(most)
    for merchant in merchants:
        refusals.refused(merchant, "old", step="submit", began=9.9, now=10.0)
    return refusals


def admits(refusals: RefusedCredentials, merchant: str, now: float) -> bool:
    """Whether an order may begin now; it does."""
    if refusals.left(merchant, now) > 0:
        return False
    refusals.asks_again(merchant, now)
    return True


def test_one_order_asks_at_growing_intervals_and_the_others_wait() -> None:
    refusals, asked, now = refused("m"), list[float](), 10.0
    while len(asked) < 9:
        now += 0.25
        if admits(refusals, "m", now):
            assert not admits(refusals, "m", now), "only one"
            asked.append(now)
            refusals.refused("m", "old", step="submit", began=now, now=now)

    assert [later - earlier for earlier, later in zip([10.0, *asked], asked, strict=False)] == [
        1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0,
    ]  # fmt: skip
    assert admits(refusals, "other", now)


def test_calls_in_flight_that_are_refused_too_do_not_lengthen_the_wait() -> None:
    refusals = refused("m")
    for _ in range(20):
        refusals.refused("m", "old", step="submit", began=9.95, now=10.1)

    assert refusals.left("m", 10.0) == FIRST


def test_it_ends_with_the_step_that_was_refused_and_not_with_another() -> None:
    refusals = refused("m", "n")

    refusals.accepted("m", "validate")
    assert "m" in refusals
    refusals.accepted("m", "submit")
    refusals.accepted("n", None)
    assert not refusals


def test_it_ends_when_the_credential_changes_also_where_it_comes_or_goes() -> None:
    refusals = refused("rotated", "kept", "gone", "lacking")
    refusals.accepted("lacking", None)
    refusals.refused("lacking", None, step="submit", began=10.0, now=10.0)

    refusals.changed({"rotated": "new", "kept": "old", "lacking": "first"}.get)

    assert refusals.names() == ["kept"]
    assert admits(refusals, "rotated", 10.1)


def test_another_credential_that_is_refused_begins_anew() -> None:
    refusals = refused("m")
    for now in (20.0, 40.0, 80.0):
        refusals.refused("m", "old", step="submit", began=now, now=now)

    refusals.refused("m", "new", step="submit", began=90.0, now=90.0)

    assert refusals.left("m", 90.0) == FIRST


def test_of_too_many_merchants_the_first_is_asked_again() -> None:
    assert refused(*(f"m-{number}" for number in range(5)), most=3).names() == ["m-2", "m-3", "m-4"]


@given(events=st.lists(st.tuples(st.booleans(), st.floats(0, 200)), max_size=60))
def test_no_merchant_is_forgotten_and_none_is_asked_more_often_than_its_interval(
    events: list[tuple[bool, float]],
) -> None:
    refusals, now, last = refused("m"), 10.0, 10.0
    for is_order, passed in events:
        now += passed
        if not is_order:
            refusals.refused("m", "old", step="submit", began=now, now=now)
            last = now
        elif admits(refusals, "m", now):
            assert now - last >= FIRST - 1e-6
            last = now
        assert 0 <= refusals.left("m", now) <= LONGEST + 1e-6


def test_a_merchant_without_orders_is_forgotten() -> None:
    """It was removed, or had no credentials: nobody asks again, and no other credential comes."""
    refusals = refused("gone")
    refusals.refused("here", "old", step="submit", began=9.9, now=10.0)
    for now in range(11, 1000):
        admits(refusals, "here", float(now))
        refusals.forget(float(now))

    assert refusals.names() == ["here"]
