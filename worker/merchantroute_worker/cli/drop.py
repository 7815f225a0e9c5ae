"""Drops dead letters: acks them, with an export only after the file has them."""

from collections.abc import Callable

from merchantroute_worker.cli.addresses import Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.export import ExportFile
from merchantroute_worker.cli.reader import DeadLetterReader
from merchantroute_worker.rabbit.address import BrokerAddress

BATCH = 200  # letters per flush of the file


def drop(route: Route, address: BrokerAddress, wanted: Callable[[DeadLetter], bool], save: ExportFile | None) -> int:
    """Ack the letters that are `wanted`, and give their number. Problem when the file or the broker fails; letters that
    are not acked yet stay in the queue.

    A process that is killed between the file and the ack leaves a letter in both; the next run writes it once more.
    """
    dropped = 0
    with connected(address, "drop") as connection, DeadLetterReader(connection, route.dead_queue) as reader:
        batch: list[DeadLetter] = []
        for letter in reader:
            if wanted(letter):
                batch.append(letter)
            if len(batch) >= BATCH:
                dropped += _settle(reader, batch, save)
                batch = []
        dropped += _settle(reader, batch, save)
    return dropped


def _settle(reader: DeadLetterReader, letters: list[DeadLetter], save: ExportFile | None) -> int:
    if save and letters:
        save.write(letters)
    for letter in letters:
        reader.ack(letter)
    return len(letters)
