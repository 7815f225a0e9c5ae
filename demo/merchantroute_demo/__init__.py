"""The demo: orders flow past a hung merchant, and a ledger shows that none was lost or doubled.

A producer replays samples/orders.jsonl through the route's front door (`producer`), what becomes of the orders is
watched from the outside (`completions`, `dead_letters`, `management`, `merchants`, `cluster`), and the ledger
(`ledger`, pure) compares it all by distinct order id. `story` tells it in phases; `verdict` decides the exit code.

The producer, the watchers and the ledger take plain arguments, so that tests use them as they are.
"""
