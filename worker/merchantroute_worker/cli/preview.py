"""How many letters a command is about, before it does anything to them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from merchantroute_worker.cli.addresses import Address, Route
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.filters import Filters
from merchantroute_worker.cli.reader import Browse


@dataclass
class Survey:
    """Counts by reason: `wanted`, and `others` that the filters match but that the command leaves alone."""

    wanted: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)
    """Ids that were asked for and are not there."""


def survey(route: Route, address: Address, filters: Filters, chosen: Callable[[Letter], bool]) -> Survey:
    """Look at every letter once; what matches is wanted where `chosen` says so."""
    found = Survey(missing=set(filters.ids))
    with connected(address, "look") as connection, Browse(connection, route.dead) as browse:
        for letter in browse:
            if filters.match(letter):
                (found.wanted if chosen(letter) else found.others)[letter.reason] += 1
                found.missing.discard(letter.id or "")
    return found
