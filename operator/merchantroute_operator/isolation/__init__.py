"""Which merchants have an own queue, and with how many slots: pure functions from what was seen to own queues."""
