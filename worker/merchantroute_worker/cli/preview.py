"""Preview of a command: counts the letters that it would replay or drop, without changing them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from merchantroute_worker.cli.addresses import Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.filters import Filters
from merchantroute_worker.cli.reader import DeadLetterReader
from merchantroute_worker.rabbit.address import BrokerAddress


@dataclass
class Preview:
    """Counts by reason: `wanted`, and `others` that the filters match but that the command leaves alone."""

    wanted: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)
    """Order ids of the filters that no letter has."""


def preview(route: Route, address: BrokerAddress, filters: Filters, chosen: Callable[[DeadLetter], bool]) -> Preview:
    """Read every letter once; of those that match the filters, `chosen` says which are wanted."""
    found = Preview(missing=set(filters.ids))
    with connected(address, "look") as connection, DeadLetterReader(connection, route.dead_queue) as reader:
        for letter in reader:
            if filters.match(letter):
                (found.wanted if chosen(letter) else found.others)[letter.reason] += 1
                found.missing.discard(letter.id or "")
    return found
