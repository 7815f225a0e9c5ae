"""The roll of one fault: what was published, and what was heard of it since. It grows while the fault lasts."""

from merchantroute_demo.ledger import Completion


class Roll:
    """Ids published and confirmed, completion records and dead letters by id."""

    def __init__(self) -> None:
        self.published: set[str] = set()
        self.completions: dict[str, list[Completion]] = {}
        self.dead: dict[str, str] = {}
        self._ended: set[str] = set()

    @property
    def ended(self) -> int:
        """Distinct orders that are done or dead."""
        return len(self._ended)

    @property
    def open(self) -> int:
        """Orders that were published, and of which no end was heard yet."""
        return len(self.published) - len(self.published & self._ended)

    @property
    def backlog(self) -> int:
        """About the same, without counting: an order may end before its confirm is heard."""
        return len(self.published) - len(self._ended)

    def complete(self, completion: Completion) -> None:
        """A record of a pod's."""
        self.completions.setdefault(completion.order, []).append(completion)
        self._ended.add(completion.order)

    def die(self, order: str, reason: str) -> None:
        """A dead letter."""
        self.dead[order] = reason
        self._ended.add(order)
