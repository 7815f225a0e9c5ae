"""What a point of sale refuses: an order whose shape or sums are wrong.

Amounts are integer cents. An order: {"id", "merchant"?, "items": [{"name", "quantity", "unit_price",
"modifiers"?: [{"name", "price"}]}, ...], "subtotal"?, "tax"?, "tip"?, "total"}; further fields are let through.
"""

from collections.abc import Mapping
from typing import TypeGuard


def fault(order: object, merchant: str) -> str | None:
    """Why this merchant refuses the order, naming the field; None if it takes it."""
    if not isinstance(order, Mapping):
        return f"an order is a JSON object, not {_kind(order)}"
    if not isinstance(order.get("id"), str) or not order["id"]:
        return "id: must be a string that is not empty"
    if order.get("merchant", merchant) != merchant:
        return f"merchant: this is {merchant}, the order is for {order['merchant']!r}"
    items = order.get("items")
    if not isinstance(items, list) or not items:
        return "items: an order has at least one"
    subtotal = 0
    for place, item in enumerate(items):
        price = _price(item)
        if isinstance(price, str):
            return f"items[{place}]{price}"
        subtotal += price
    if "subtotal" in order and order["subtotal"] != subtotal:
        return f"subtotal: the items add up to {subtotal}, not {order['subtotal']!r}"
    return _total_fault(order, subtotal)


def _total_fault(order: Mapping[str, object], subtotal: int) -> str | None:
    total = subtotal
    for name in ("tax", "tip"):
        amount = order.get(name, 0)
        if not _cents(amount):
            return f"{name}: must be whole cents, 0 or more"
        total += amount
    if not _cents(order.get("total")) or order["total"] != total:
        return f"total: must be {total} (items, tax and tip), not {order.get('total')!r}"
    return None


def _price(item: object) -> int | str:
    """A line's price in cents, or what is wrong with it."""
    if not isinstance(item, Mapping):
        return f": must be an object, not {_kind(item)}"
    if not isinstance(item.get("name"), str) or not item["name"]:
        return ".name: must be a string that is not empty"
    quantity = item.get("quantity")
    if not _cents(quantity) or quantity == 0:
        return f".quantity: must be a whole number of at least 1, not {quantity!r}"
    if not _cents(item.get("unit_price")):
        return ".unit_price: must be whole cents, 0 or more"
    each: int = item["unit_price"]
    modifiers = item.get("modifiers", [])
    if not isinstance(modifiers, list):
        return ".modifiers: must be a list"
    for modifier in modifiers:
        if not isinstance(modifier, Mapping) or not _cents(modifier.get("price")):
            return ".modifiers: each needs a price in whole cents, 0 or more"
        each += modifier["price"]
    return quantity * each


def _cents(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
