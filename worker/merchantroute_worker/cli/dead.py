"""The commands `merchantroute dead`: list, show, replay and drop the dead letters of a route."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from merchantroute_worker.cli import show
from merchantroute_worker.cli.broker import Target
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.drop import drop
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.export import export_file
from merchantroute_worker.cli.filters import Filters
from merchantroute_worker.cli.options import RATE, filter_options, target_options
from merchantroute_worker.cli.preview import Preview, preview
from merchantroute_worker.cli.reader import DeadLetterReader
from merchantroute_worker.cli.replay import Replay, Stop
from merchantroute_worker.cli.table import Newest, counted, letters, summary, table

ROWS = 100
WIDE = 400  # columns where output is no terminal, so that no cell is cut off


@click.group()
def dead() -> None:
    """Dead letters: orders that could not be done, each with its reason."""


@dead.command("list")
@target_options
@filter_options
@click.option("--limit", type=click.IntRange(min=0), help=f"Show so many, the newest; 0: all.  [default: {ROWS}]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a letter, all unless --limit is given.")
def list_letters(target: Target, filters: Filters, limit: int | None, as_json: bool) -> None:
    """List dead letters, and count them by reason. Changes nothing, however often."""
    streamed = as_json and not limit
    kept = 0 if streamed else ROWS if limit is None else limit or None
    newest = Newest(kept)
    with (
        target.opened() as (route, address),
        connected(address, "list") as connection,
        DeadLetterReader(connection, route.dead_queue) as reader,
    ):
        for letter in reader:
            if filters.match(letter):
                newest.add(letter)
                if streamed:
                    _print(json.dumps(summary(letter)))
    shown = newest.shown()
    if as_json:
        for each in shown:
            _print(json.dumps(each))
        return
    _print_list(shown, newest, reader, route.dead_queue)


def _print_list(shown: list[dict[str, object]], newest: Newest, reader: DeadLetterReader, queue: str) -> None:
    count = newest.reasons.total()
    if shown:
        _console().print(table(shown, now=time.time()))
        _print("")
    of = "" if count == reader.total else f"{count:,} of "
    more = f"; above are the newest {len(shown):,} (--limit)" if len(shown) < count else ""
    by_reason = f": {counted(newest.reasons)}" if count else ""
    _print(f"{of}{letters(reader.total)} in {queue}{by_reason}{more}")
    if reader.consumers:
        click.echo(f"{reader.consumers} other consumer(s) of {queue}: what they hold is not counted here", err=True)


@dead.command("show")
@click.argument("order_id")
@target_options
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
def show_letter(target: Target, order_id: str, as_json: bool) -> None:
    """Show all that an order's letter says: headers, journal, body. Secrets are left out."""
    found = 0
    with (
        target.opened() as (route, address),
        connected(address, "show") as connection,
        DeadLetterReader(connection, route.dead_queue) as reader,
    ):
        for letter in reader:
            if letter.id == order_id:
                _print(json.dumps(show.document(letter), default=str) if as_json else _block(letter, found))
                found += 1
    if not found:
        raise Problem(
            f"no letter of order {order_id} in {route.dead_queue}: `merchantroute dead list` shows those there are"
        )


def _block(letter: DeadLetter, before: int) -> str:
    return ("\n" if before else "") + show.text(letter, now=time.time())


@dead.command("replay")
@click.argument("order_ids", nargs=-1)
@target_options
@filter_options
@click.option("--rate", type=RATE, default="50/s", show_default=True, help="At most; `max` for no bound.")
@click.option("--to", "exchange", metavar="EXCHANGE", help="Where to, if not the route's router.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--reset-attempts/--keep-attempts",
    default=True,
    show_default=True,
    help="Attempts begin anew; kept, an order whose attempts are used up gets one more. Finished steps stay finished.",
)
def replay_letters(
    target: Target, filters: Filters, rate: float, exchange: str | None, yes: bool, reset_attempts: bool
) -> None:
    """Publish dead letters again: each is confirmed behind the front door before it leaves the dead queue.

    Without ORDER_IDS or --reason, letters that cannot succeed as they are stay: malformed, undecodable, expired, and
    those that have killed their pods (killed-its-pod, delivery-limit). May be interrupted and run again at any time.
    """
    with target.opened() as (route, address):
        destination = exchange or route.router
        found = preview(route, address, filters, filters.replays)
        count = _confirmed(found, f"replay {{}} to {destination}", yes)
        if not count:
            return
        stop = Stop()
        with stop.on_signals(), _progress(count) as advance:
            replay = Replay(
                wanted=lambda letter: filters.match(letter) and filters.replays(letter),
                exchange=destination,
                open_if=exchange or route.exchange,
                rate=rate or None,
                reset_attempts=reset_attempts,
                stop=stop,
                on_replayed=lambda _: advance(),
            )
            try:
                replay.run(route, address)
            except Problem as problem:
                raise Problem(f"after {letters(replay.replayed)} replayed: {problem.message}") from None
        _print(f"{letters(replay.replayed)} replayed to {destination}")
        if stop.requested:
            raise Problem("interrupted: the rest is still in dead letters, run the same command again")


@dead.command("drop")
@click.argument("order_ids", nargs=-1)
@target_options
@filter_options
@click.option("--all", "everything", is_flag=True, help="All letters of the route, where no filter is given.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Append them to this file first, as JSON lines."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop_letters(target: Target, filters: Filters, everything: bool, save: Path | None, yes: bool) -> None:
    """Delete dead letters for good; with --save only once they are on disk, whole, secrets included."""
    if not filters.given and not everything:
        raise click.UsageError("name orders, give a filter, or say --all")
    if filters.given and everything:
        raise click.UsageError("--all and a filter, or orders, contradict each other")
    with target.opened() as (route, address):
        found = preview(route, address, filters, lambda _: True)
        if not _confirmed(found, "drop {} for good", yes):
            return
        with export_file(save) as file:
            dropped = drop(route, address, filters.match, file)
        _print(f"{letters(dropped)} dropped" + (f", saved in {save}" if save else ""))


def _confirmed(found: Preview, what: str, yes: bool) -> int:
    """Ask for confirmation, and give the number of letters to go on with. Problem without a terminal."""
    count = found.wanted.total()
    if found.missing:
        raise Problem(f"no letter of {', '.join(sorted(found.missing))} there: nothing was done")
    if found.others:
        _print(f"left alone: {counted(found.others)} (replayed only by order id or --reason)")
    if not count:
        _print("no letter to do that with")
        return 0
    question = f"{what.format(letters(count))} ({counted(found.wanted)})"
    if yes:
        _print(question)
    elif not sys.stdin.isatty():
        raise Problem(f"{question}: nobody to ask, this is no terminal. Say --yes")
    else:
        click.confirm(f"{question}?", abort=True)
    return count


@contextmanager
def _progress(count: int) -> Iterator[partial[None]]:
    """A progress bar on standard error, where that is a terminal."""
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield partial(progress.advance, progress.add_task("replaying", total=count), 1)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def _print(text: str | Text) -> None:
    """Print one line; a reader that closes the pipe (`| head`) ends the command."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # Python flushes what is still buffered at exit, which would fail again.
        sys.stdout = None
        raise click.exceptions.Exit(1) from None
