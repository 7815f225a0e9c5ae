"""The sample orders: made by chance from menus, some of them malformed, and kept in samples/orders.jsonl."""
