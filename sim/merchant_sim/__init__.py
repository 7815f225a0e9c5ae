"""merchant-sim: one HTTP server that plays every merchant's point of sale, well or badly.

It stands for the outside world. It knows nothing of queues, workers or routes: only what a merchant sees, which is
HTTP requests. It is strict about what it accepts and keeps its own record of every request, so that the ledger of
a demo or a test can be checked against somebody else's book.

The record lives in memory: a restart loses it, and `started` in /admin/stats tells that it did.
"""
