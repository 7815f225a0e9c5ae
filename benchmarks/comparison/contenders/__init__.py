"""The programs that are compared, a file each; each is run by the interpreter of its own environment."""
