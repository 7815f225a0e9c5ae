"""The one error of the command line: one line that says what is wrong and what to do. Exit status 1."""

import click


class Problem(click.ClickException):
    """An error whose text is printed unchanged; never with a password in it."""
