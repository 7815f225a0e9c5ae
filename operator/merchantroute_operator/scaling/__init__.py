"""How many pods a lane needs: pure functions from what was seen to a number with its reason."""
