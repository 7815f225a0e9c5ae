"""Groups of merchants that stand or fall together, since their API is at one host."""
