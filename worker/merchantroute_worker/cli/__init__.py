"""The command line `merchantroute`: looks after dead letters, and after merchants that have a queue of their own."""
