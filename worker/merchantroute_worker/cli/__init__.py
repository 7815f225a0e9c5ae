"""The command line `merchantroute`: look at dead letters, replay them, drop them, from a person's terminal."""
