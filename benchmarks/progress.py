"""Progress of a long run: lines that stay on standard output, the state of the moment on standard error."""

import logging
import sys
import time

import click

_EVERY = 30.0  # seconds between two lines of progress where there is no terminal


class Progress:
    """`line` stays; `tell` is overwritten on a terminal, and now and then a line of its own elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + _EVERY

    def line(self, text: str) -> None:
        """A line of the result."""
        if self._terminal:
            click.echo("\r\033[K", err=True, nl=False)
        click.echo(text)

    def tell(self, text: str) -> None:
        """How far it is."""
        if self._terminal:
            click.echo(f"\r\033[K    {text}", err=True, nl=False)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            click.echo(f"    {text}", err=True)


def quiet() -> None:
    """The client library tells of each connection that breaks; here they are broken on purpose."""
    for name in ("aio_pika", "aiormq", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # What cannot be set back on a broken channel is logged at the highest level there is.
    logging.getLogger("aio_pika.tools").disabled = True
