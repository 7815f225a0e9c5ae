"""The rates of merchants that answer 429, found over all pods of their tiers."""
