"""How fair a pod is to healthy merchants: the real bulkhead, decisions and pacer in virtual time."""
