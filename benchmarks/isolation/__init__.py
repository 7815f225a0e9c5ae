"""Own queues in virtual time: the worker's real bulkhead in many pods, under the operator's real decisions."""
