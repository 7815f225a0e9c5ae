"""A point of sale takes an order whose sums are right, and says which field of another is wrong."""

import pytest

from merchant_sim.order_check import fault

LINE = {"name": "Dosa", "quantity": 2, "unit_price": 450, "modifiers": [{"name": "ghee", "price": 50}]}
GOOD = {"id": "r-1", "merchant": "dosa-den", "items": [LINE], "subtotal": 1000, "tax": 80, "tip": 0, "total": 1080}


@pytest.mark.parametrize(
    "order",
    [
        GOOD,
        {"id": "r-1", "items": [{"name": "Tea", "quantity": 1, "unit_price": 0}], "total": 0},  # the least there is
        {**GOOD, "notes": "बिना प्याज़ 🌶", "channel": "web"},  # what it does not know it lets through
    ],
)
def test_a_correct_order_is_taken(order: object) -> None:
    assert fault(order, "dosa-den") is None


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (None, "not null"),
        ("one dosa", "not str"),
        ([GOOD], "not list"),
        ({**GOOD, "id": ""}, "id:"),
        ({**GOOD, "merchant": "pho-point"}, "the order is for 'pho-point'"),
        ({**GOOD, "items": []}, "items:"),
        ({**GOOD, "items": None}, "items:"),
        ({**GOOD, "items": ["dosa"]}, "items[0]: must be an object"),
        ({**GOOD, "items": [LINE, {**LINE, "quantity": -1}]}, "items[1].quantity:"),
        ({**GOOD, "items": [{**LINE, "quantity": True}]}, "items[0].quantity:"),
        ({**GOOD, "items": [{**LINE, "quantity": 0}]}, "items[0].quantity:"),
        ({**GOOD, "items": [{**LINE, "unit_price": 4.5}]}, "items[0].unit_price:"),
        ({**GOOD, "items": [{**LINE, "modifiers": [{"name": "ghee"}]}]}, "items[0].modifiers:"),
        ({**GOOD, "subtotal": 999}, "the items add up to 1000, not 999"),
        ({**GOOD, "tip": -5}, "tip:"),
        ({**GOOD, "total": 1081}, "total: must be 1080"),
        ({**GOOD, "total": None}, "total: must be 1080"),
    ],
)
def test_a_wrong_order_is_refused_with_the_field(order: object, says: str) -> None:
    assert says in str(fault(order, "dosa-den"))
