"""`merchantroute dead`: list, show, replay and drop the dead letters of a route."""

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
from merchantroute_worker.cli.broker import Place
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.drop import drop
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.export import saving
from merchantroute_worker.cli.filters import Filters
from merchantroute_worker.cli.options import RATE, filter_options, place_options
from merchantroute_worker.cli.preview import Survey, survey
from merchantroute_worker.cli.reader import Browse
from merchantroute_worker.cli.replay import Replay, Stop
from merchantroute_worker.cli.table import Newest, counted, letters, summary, table

ROWS = 100
WIDE = 400  # columns of what is no terminal: nothing is cut off there


@click.group()
def dead() -> None:
    """Dead letters: orders that could not be done, each with its reason."""


@dead.command("list")
@place_options
@filter_options
@click.option("--limit", type=click.IntRange(min=0), help=f"Show so many, the newest; 0: all.  [default: {ROWS}]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a letter, all unless --limit is given.")
def list_letters(place: Place, filters: Filters, limit: int | None, as_json: bool) -> None:
    """List dead letters, and count them by reason. Changes nothing, however often."""
    streamed = as_json and not limit
    kept = 0 if streamed else ROWS if limit is None else limit or None
    newest = Newest(kept)
    with (
        place.opened() as (route, address),
        connected(address, "list") as connection,
        Browse(connection, route.dead) as browse,
    ):
        for letter in browse:
            if filters.match(letter):
                newest.add(letter)
                if streamed:
                    _line(json.dumps(summary(letter)))
    shown = newest.shown()
    if as_json:
        for each in shown:
            _line(json.dumps(each))
        return
    _list(shown, newest, browse, route.dead)


def _list(shown: list[dict[str, object]], newest: Newest, browse: Browse, queue: str) -> None:
    count = newest.reasons.total()
    if shown:
        _console().print(table(shown, now=time.time()))
        _line("")
    of = "" if count == browse.total else f"{count:,} of "
    more = f"; above are the newest {len(shown):,} (--limit)" if len(shown) < count else ""
    told = f": {counted(newest.reasons)}" if count else ""
    _line(f"{of}{letters(browse.total)} in {queue}{told}{more}")
    if browse.consumers:
        click.echo(f"{browse.consumers} other consumer(s) of {queue}: what they hold is not counted here", err=True)


@dead.command("show")
@click.argument("order_id")
@place_options
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
def show_letter(place: Place, order_id: str, as_json: bool) -> None:
    """Show all that an order's letter says: headers, journal, body. Secrets are left out."""
    found = 0
    with (
        place.opened() as (route, address),
        connected(address, "show") as connection,
        Browse(connection, route.dead) as browse,
    ):
        for letter in browse:
            if letter.id == order_id:
                _line(json.dumps(show.document(letter), default=str) if as_json else _block(letter, found))
                found += 1
    if not found:
        raise Problem(f"no letter of order {order_id} in {route.dead}: `merchantroute dead list` shows those there are")


def _block(letter: Letter, before: int) -> str:
    return ("\n" if before else "") + show.text(letter, now=time.time())


@dead.command("replay")
@click.argument("order_ids", nargs=-1)
@place_options
@filter_options
@click.option("--rate", type=RATE, default="50/s", show_default=True, help="At most; `max` for no bound.")
@click.option("--to", "exchange", metavar="EXCHANGE", help="Where to, if not the route's front door.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--reset-attempts/--keep-attempts",
    default=True,
    show_default=True,
    help="Attempts begin anew; kept, an order whose attempts are used up gets one more. Finished steps stay finished.",
)
def replay_letters(
    place: Place, filters: Filters, rate: float, exchange: str | None, yes: bool, reset_attempts: bool
) -> None:
    """Publish dead letters again: each is confirmed at the front door before it leaves the dead queue.

    Without ORDER_IDS or --reason, letters that cannot succeed as they are stay: malformed, undecodable, expired, and
    those that have killed their pods (killed-its-pod, delivery-limit). May be interrupted and run again at any time.
    """
    with place.opened() as (route, address):
        target = exchange or route.door
        found = survey(route, address, filters, filters.replays)
        count = _asked(found, f"replay {{}} to {target}", yes)
        if not count:
            return
        stop = Stop()
        with stop.listening(), _progress(count) as advance:
            replay = Replay(
                wanted=lambda letter: filters.match(letter) and filters.replays(letter),
                exchange=target,
                rate=rate or None,
                reset_attempts=reset_attempts,
                stop=stop,
                told=lambda _: advance(),
            )
            try:
                replay.run(route, address)
            except Problem as problem:
                raise Problem(f"after {letters(replay.replayed)} replayed: {problem.message}") from None
        _line(f"{letters(replay.replayed)} replayed to {target}")
        if stop.asked:
            raise Problem("interrupted: the rest is still in dead letters, run the same command again")


@dead.command("drop")
@click.argument("order_ids", nargs=-1)
@place_options
@filter_options
@click.option("--all", "everything", is_flag=True, help="All letters of the route, where no filter is given.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Append them to this file first, as JSON lines."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop_letters(place: Place, filters: Filters, everything: bool, save: Path | None, yes: bool) -> None:
    """Delete dead letters for good; with --save only once they are on disk, whole, secrets included."""
    if not filters.given and not everything:
        raise click.UsageError("name orders, give a filter, or say --all")
    if filters.given and everything:
        raise click.UsageError("--all and a filter, or orders, contradict each other")
    with place.opened() as (route, address):
        found = survey(route, address, filters, lambda _: True)
        if not _asked(found, "drop {} for good", yes):
            return
        with saving(save) as file:
            dropped = drop(route, address, filters.match, file)
        _line(f"{letters(dropped)} dropped" + (f", saved in {save}" if save else ""))


def _asked(found: Survey, what: str, yes: bool) -> int:
    """How many letters to go on with, after the person has agreed. Problem when nobody is there to ask."""
    count = found.wanted.total()
    if found.missing:
        raise Problem(f"no letter of {', '.join(sorted(found.missing))} there: nothing was done")
    if found.others:
        _line(f"left alone: {counted(found.others)} (replayed only by order id or --reason)")
    if not count:
        _line("no letter to do that with")
        return 0
    question = f"{what.format(letters(count))} ({counted(found.wanted)})"
    if yes:
        _line(question)
    elif not sys.stdin.isatty():
        raise Problem(f"{question}: nobody to ask, this is no terminal. Say --yes")
    else:
        click.confirm(f"{question}?", abort=True)
    return count


@contextmanager
def _progress(count: int) -> Iterator[partial[None]]:
    """A bar on standard error, where that is a terminal."""
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield partial(progress.advance, progress.add_task("replaying", total=count), 1)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def _line(text: str | Text) -> None:
    """A line of output; whoever has read enough (`| head`) ends the command."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # What is still buffered would be written at exit, and fail again.
        sys.stdout = None
        raise click.exceptions.Exit(1) from None
