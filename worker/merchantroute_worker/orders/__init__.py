"""The pure core: what an order is, and what becomes of it."""
