"""One order as a web shop sends it; its sums always add up, in integer cents."""

from random import Random
from typing import Any

from merchantroute_samples.menus import NAMES, NOTES, Merchant

_CHANNELS = ("web", "ios", "android", "kiosk")


def make_order(merchant: Merchant, dice: Random) -> dict[str, Any]:
    """An order to this merchant without an id: that is given when it is published, so that each run has its own.

    {"merchant", "channel", "currency", "customer", "items": [{"name", "quantity", "unit_price", "modifiers", "note"?}],
     "subtotal", "tax", "tip", "total", "note"?}
    """
    items = [_item(merchant, dice) for _ in range(dice.choices((1, 2, 3, 4, 6), (30, 35, 20, 10, 5))[0])]
    subtotal = sum(item["quantity"] * (item["unit_price"] + _extras(item)) for item in items)
    tax = (subtotal * merchant.tax + 5_000) // 10_000
    tip = subtotal * dice.choice((0, 0, 10, 15, 18, 20)) // 100
    order: dict[str, Any] = {
        "merchant": merchant.id,
        "channel": dice.choice(_CHANNELS),
        "currency": "USD",
        "customer": {"name": dice.choice(NAMES), "phone": f"+1-555-01{dice.randrange(100):02d}"},
        "items": items,
        "subtotal": subtotal,
        "tax": tax,
        "tip": tip,
        "total": subtotal + tax + tip,
    }
    if dice.random() < 0.45:
        order["note"] = dice.choice(NOTES)
    return order


def _item(merchant: Merchant, dice: Random) -> dict[str, Any]:
    name, price = dice.choice(merchant.menu)
    chosen = dice.sample(merchant.extras, dice.choices((0, 1, 2), (50, 35, 15))[0])
    item: dict[str, Any] = {
        "name": name,
        "quantity": dice.choices((1, 2, 3, 5), (70, 20, 7, 3))[0],
        "unit_price": price,
        "modifiers": [{"name": extra, "price": cents} for extra, cents in chosen],
    }
    if dice.random() < 0.1:
        item["note"] = dice.choice(NOTES)
    return item


def _extras(item: dict[str, Any]) -> int:
    return sum(modifier["price"] for modifier in item["modifiers"])
