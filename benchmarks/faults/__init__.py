"""Break everything around a worker while orders run, and count by order id what became of each.

One fault after another: pods that die, connections that are cut, a broker that restarts. Each ends with a ledger: lost
must be 0, and no step may have taken effect twice at its merchant.
"""
