"""How an order's end is written: the completion record first, then the acknowledgement, one hub turn at a time."""
