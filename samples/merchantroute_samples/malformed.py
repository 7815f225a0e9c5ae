"""Malformed orders, and the reason that each must be given in dead letters.

`malformed` is seen by the worker before any call; `merchant-rejected` only by the merchant, who answers 422. All have
a valid id and a known merchant, so that they reach the right lane and must leave it for dead letters.
"""

import copy
from collections.abc import Callable
from typing import Any

Order = dict[str, Any]


def negative_quantity(order: Order) -> Order:
    """Minus one burger."""
    order["items"][0]["quantity"] = -1
    return order


def wrong_total(order: Order) -> Order:
    """A total that is a cent short."""
    order["total"] -= 1
    return order


def wrong_subtotal(order: Order) -> Order:
    """A subtotal in which the items do not add up, though the total agrees with it."""
    order["subtotal"] += 100
    order["total"] += 100
    return order


def no_items(order: Order) -> Order:
    """An order of nothing."""
    del order["items"]
    return order


def euros(order: Order) -> Order:
    """A price that is not whole cents."""
    order["items"][0]["unit_price"] = "8,99 €"
    return order


REJECTED: tuple[Callable[[Order], Order], ...] = (negative_quantity, wrong_total, wrong_subtotal, no_items, euros)
NOT_ORDERS: tuple[object, ...] = (None, "one cheeseburger, please", [], ["Cheeseburger", 1], 42)


def spoil(order: Order, number: int) -> tuple[object, str]:
    """The `number`-th way to spoil an order, and the reason its dead letter must carry."""
    half = number // 2
    if number % 2:
        return NOT_ORDERS[half % len(NOT_ORDERS)], "malformed"
    return REJECTED[half % len(REJECTED)](copy.deepcopy(order)), "merchant-rejected"
