"""Plans: the steps from the broker's objects as they are to those that should be, in an order that loses no message."""
