"""What a route lays over the pods of its lanes."""
