"""Django app of the outbox: its table, `enqueue` for the caller's transaction, the command `merchantroute_relay`."""
