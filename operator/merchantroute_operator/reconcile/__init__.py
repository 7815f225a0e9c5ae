"""The pass over one route: observe, compare, ensure in order, and tell; ports on one side, the core on the other."""
