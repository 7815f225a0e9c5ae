"""Which merchants have a queue of their own, and with how many slots: pure functions from what was seen to own queues."""
