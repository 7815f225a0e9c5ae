"""The programs that are compared, a file each, run by the interpreter of their own environment."""
