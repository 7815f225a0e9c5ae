"""What is measured beside each other: each is started for a cell, takes orders, and is asked what became of them."""
