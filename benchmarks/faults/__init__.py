"""Fault injection: everything around a worker breaks while orders run, and each order is accounted for by its id.

A file a fault; they are run one after another: pods that die, connections that are cut, a broker that restarts. Each
ends with a ledger: lost must be 0, and no step may have taken effect twice at its merchant.
"""
