"""The demo: orders flow past a hung merchant, and a ledger shows that none was lost or doubled.

samples/orders.jsonl is replayed through the route's front door (`schedule`) in phases (`phases`), what becomes of the
orders is watched from the outside (`watcher`, `cluster`, and the kit's clients), and the kit's ledger compares it all
by distinct order id. `report` holds the figures; `verdict` decides the exit code.
"""
