"""Watches of the API server: a kind listed in pages and then followed, and Secrets by their names."""
