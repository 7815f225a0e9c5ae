"""The one error of the command line: a line that says what is wrong and what to do. Exit status 1."""

import click


class Problem(click.ClickException):
    """Shown to the person as it is; never holds a password."""
