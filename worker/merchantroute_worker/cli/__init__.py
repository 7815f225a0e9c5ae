"""The command line `merchantroute`: lists, shows, replays and drops dead letters."""
