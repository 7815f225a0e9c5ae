"""A transactional outbox: an order is a row of the application's own transaction, and a relay publishes it afterwards.

What Django's and SQLAlchemy's tables share: what a row holds, and the relay. A row is removed when the broker has
confirmed its order, and only then. A relay that dies in between leaves the row: its order is published again, as the
same publication (id, `mr-published-at` and body are those of the row), so its steps carry the same keys.
"""

import json
import logging
import signal
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from merchantroute_worker.client.message import Message, Order, write
from merchantroute_worker.client.results import BadOrder, NotSafe, Receipt

log = logging.getLogger(__name__)
BATCH = 100
INTERVAL = 1.0  # seconds between two looks at a table that had nothing to publish
LONGEST_PAUSE = 30.0  # seconds between two attempts while the broker takes nothing
LONGEST_DELAY = 60.0  # seconds until a row that was published in vain is due again


@dataclass(frozen=True, kw_only=True)
class Row:
    """One order of the table. `attempts` are publishes that got no confirm."""

    id: int
    message: Message
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A row that was published in vain. `due_at` is when it is due again, in milliseconds since the epoch."""

    id: int
    attempts: int
    problem: str
    due_at: int


class Claim(Protocol):
    """Rows that are this relay's for now."""

    rows: Sequence[Row]

    def settle(self, confirmed: Sequence[int], failed: Sequence[Failure]) -> None:
        """Remove the rows whose orders are confirmed, and note the failures of others; by ids."""


class Store(Protocol):
    """The table, as a relay uses it."""

    def claim(self, limit: int, now: int) -> AbstractContextManager[Claim]:
        """Rows that are due by `now` (milliseconds since the epoch), the oldest first, and which no other relay has.

        What `settle` did is committed when the block ends; an error undoes it.
        """


class Publisher(Protocol):
    """A client, as a relay uses it."""

    def publish_messages(self, messages: Sequence[Message], *, within: float | None = None) -> list[Receipt | NotSafe]:
        """Publish messages; one outcome for each, in their order."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round of a relay did, in rows."""

    claimed: int
    confirmed: int


def columns(order: Order) -> dict[str, Any]:
    """The columns of an order's row.

    Raises:
        BadOrder: it cannot be published as it is, or has headers that are not JSON; the text says what to change.
    """
    message = write(order, now=time.time(), new_id=lambda: str(uuid.uuid4()))
    try:
        headers = json.dumps(dict(message.headers), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadOrder(f"the headers are not JSON, as an outbox needs them: {error}") from None
    if "\0" in message.order_id + message.merchant:
        raise BadOrder("order_id or merchant has a NUL character, which PostgreSQL does not store")
    return {
        "order_id": message.order_id,
        "merchant": message.merchant,
        "published_at": message.published_at,
        "body": message.body.decode("ascii"),
        "headers": headers,
        "attempts": 0,
        "problem": "",
        "due_at": message.published_at,
    }


def row(found: Mapping[str, Any]) -> Row:
    """Read a row, by its columns and `id`."""
    message = Message(
        order_id=found["order_id"],
        merchant=found["merchant"],
        published_at=found["published_at"],
        body=found["body"].encode("ascii"),
        headers=json.loads(found["headers"]),
    )
    return Row(id=found["id"], message=message, attempts=found["attempts"])


class Relay:
    """Publishes what is in the table, round after round. Several may run beside each other where the database has
    SKIP LOCKED; with SQLite one runs alone.

    Args:
        store: the table.
        client: publishes to the route.
        batch: rows of one round.
        within: seconds that a round's publishes may take; by default the client's.
    """

    def __init__(self, store: Store, client: Publisher, *, batch: int = BATCH, within: float | None = None) -> None:
        self._store, self._client, self._batch, self._within = store, client, batch, within
        self.stopping = threading.Event()

    def run_once(self) -> Round:
        """Publish one batch, the oldest orders first, and remove exactly those that are confirmed."""
        now = int(time.time() * 1000)
        with self._store.claim(self._batch, now) as claim:
            rows = claim.rows
            if not rows:
                return Round(claimed=0, confirmed=0)
            outcomes = self._client.publish_messages([each.message for each in rows], within=self._within)
            pairs = list(zip(rows, outcomes, strict=True))
            confirmed = [each.id for each, outcome in pairs if isinstance(outcome, Receipt)]
            claim.settle(confirmed, [_failure(each, outcome, now) for each, outcome in pairs if _is_charged(outcome)])
        problems = [outcome for outcome in outcomes if isinstance(outcome, NotSafe)]
        if problems:
            log.warning("%d of %d orders stay in the outbox; the first: %s", len(problems), len(rows), problems[0])
        return Round(claimed=len(rows), confirmed=len(confirmed))

    def run(self) -> None:
        """Publish until `stopping` is set; the round that is under way then is ended properly.

        What the database raises passes: whoever supervises the process starts it again.
        """
        pause = INTERVAL
        while not self.stopping.is_set():
            did = self.run_once()
            if did.confirmed:
                pause = INTERVAL
                continue
            self.stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE) if did.claimed else INTERVAL

    def run_until_signalled(self) -> None:
        """`run` as a program does: SIGTERM and SIGINT end it after the round that is under way."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        self.run()


def _is_charged(outcome: Receipt | NotSafe) -> bool:
    """Whether a row waits longer the next time. Not for an order that was never sent, as while the broker is away."""
    return isinstance(outcome, NotSafe) and outcome.attempts > 0


def _failure(each: Row, outcome: Receipt | NotSafe, now: int) -> Failure:
    attempts = each.attempts + 1
    delay = min(2.0 ** min(attempts, 10), LONGEST_DELAY)
    problem = outcome.problem if isinstance(outcome, NotSafe) else ""
    return Failure(
        id=each.id, attempts=attempts, problem=problem.replace("\0", "")[:500], due_at=now + int(delay * 1000)
    )
