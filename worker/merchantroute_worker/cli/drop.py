"""Drops dead letters: they leave the queue, where asked for only after a file holds them."""

from collections.abc import Callable

from merchantroute_worker.cli.addresses import Address, Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.export import Save
from merchantroute_worker.cli.reader import Browse

TOGETHER = 200  # letters per flush of the file


def drop(route: Route, address: Address, wanted: Callable[[Letter], bool], save: Save | None) -> int:
    """Take what is wanted off the queue; how many letters. Problem when the file or the broker fails: the rest stays.

    Killed between the file and the ack, it leaves a letter in both: the next run writes it once more.
    """
    dropped = 0
    with connected(address, "drop") as connection, Browse(connection, route.dead) as browse:
        together: list[Letter] = []
        for letter in browse:
            if wanted(letter):
                together.append(letter)
            if len(together) >= TOGETHER:
                dropped += _settle(browse, together, save)
                together = []
        dropped += _settle(browse, together, save)
    return dropped


def _settle(browse: Browse, letters: list[Letter], save: Save | None) -> int:
    if save and letters:
        save.write(letters)
    for letter in letters:
        browse.take(letter)
    return len(letters)
