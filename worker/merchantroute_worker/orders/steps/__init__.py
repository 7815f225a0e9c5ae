"""Steps, the calls of an order: how their requests are filled in, and what is read from their answers."""
