"""What a fault cost: its ledger by order id, the table's line, and whether memory stayed flat."""
