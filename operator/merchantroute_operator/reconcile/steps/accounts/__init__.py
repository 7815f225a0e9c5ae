"""The lanes' broker users: made, kept and removed with their lanes and routes."""
