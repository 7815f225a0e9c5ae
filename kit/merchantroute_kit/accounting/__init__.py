"""The accounting of a run, by order id: what was observed of every order, and the ledger that is made of it."""
