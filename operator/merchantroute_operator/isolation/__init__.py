"""Which merchants have a queue of their own, and with which share: pure functions from what was seen to queues."""
