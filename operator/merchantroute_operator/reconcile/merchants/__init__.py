"""Merchant objects during a reconcile: which of them a route takes in, and their statuses."""
