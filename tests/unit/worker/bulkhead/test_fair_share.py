"""How many slots a merchant may have beside others, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.bulkhead.fair_share import fair_share


@pytest.mark.parametrize(
    ("others", "share"),
    [
        # nobody else: all
        ([], 200),
        # as many slots as there are merchants to share them
        ([60, 60], 200 / 3),
        ([200], 100),
        ([100, 100], 200 / 3),
        # what others do not need, with room for them to grow by two standard deviations of what they use together
        ([16], 200 - 16 - 8),
        ([50, 50], 200 - 100 - 20),
        ([1] * 100, 200 - 100 - 20),
        # who needs little has it, and the rest is shared evenly
        ([16, 150], (200 - 16 - 8) / 2),
    ],
)
def test_a_merchant_may_have_an_equal_part_or_what_others_leave(others: list[int], share: float) -> None:
    assert fair_share(others, 200) == pytest.approx(share)


@given(st.lists(st.integers(1, 200), max_size=50), st.integers(1, 500))
def test_it_is_never_less_than_an_equal_part(others: list[int], slots: int) -> None:
    assert slots / (len(others) + 1) <= fair_share(others, slots) <= slots
