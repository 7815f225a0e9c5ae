"""The cost of a fault: its ledger by order id, the table's line, and whether memory stayed flat."""
