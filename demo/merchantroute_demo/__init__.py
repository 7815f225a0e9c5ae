"""The demo: orders flow past a hung merchant, and a ledger shows that none was lost or doubled."""
