"""The order that benchmarks publish."""

from typing import Any


def good_order(order_id: str, **more: Any) -> dict[str, Any]:
    """An order that every merchant takes."""
    items = [{"name": "soup", "quantity": 2, "unit_price": 450}, {"name": "bread", "quantity": 1, "unit_price": 250}]
    return {"id": order_id, "items": items, "total": 1150, **more}
