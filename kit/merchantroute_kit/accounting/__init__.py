"""What became of every order of a run, by order id: what was observed, and the ledger that is made of it. Pure."""
