"""The pass over one route: observe, compare, ensure in order, and tell, with the ports on one side and the core on the other."""
