"""Broker users of lanes: what each may do, its password, and the steps to it from what the broker has."""
