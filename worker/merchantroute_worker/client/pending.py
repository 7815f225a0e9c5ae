"""An order on its way, and those of them that wait for the broker's answer. No I/O, no clock, no lock of their own."""

import threading

from merchantroute_worker.client.message import Message
from merchantroute_worker.client.results import NotSafe, Receipt


class Pending:
    """One order between its caller, who waits, and the sender. Everything but `settled` is under the sender's lock."""

    def __init__(self, letter: Message) -> None:
        self.letter = letter
        self.settled = threading.Event()
        self.outcome: Receipt | NotSafe | None = None
        self.attempts = 0
        self.problem: str | None = None
        self.in_flight = False
        self._unknown = False

    def take_off(self) -> None:
        """From now on it may arrive."""
        self.attempts += 1
        self.in_flight = True

    def back(self, problem: str, *, unknown: bool) -> None:
        """It was not confirmed; `unknown`: it may have arrived all the same, which no later attempt can take back."""
        self.in_flight = False
        self.problem = problem
        self._unknown = self._unknown or unknown

    def arrive(self) -> None:
        """The broker confirmed it."""
        letter = self.letter
        self._settle(
            Receipt(
                order_id=letter.order_id,
                merchant=letter.merchant,
                published_at=letter.published_at,
                attempts=self.attempts,
            )
        )

    def late(self, within: float) -> str:
        """What to tell a caller whose bound (seconds) is over; an attempt under way does not hide what the last met."""
        unanswered = f"no confirm within {within:g} s"
        if self.problem is None:
            return unanswered
        return f"{unanswered}, and before that: {self.problem}" if self.in_flight else self.problem

    def give_up(self, problem: str) -> None:
        """No more attempts. What is confirmed later changes nothing: the caller has been told."""
        letter, unknown = self.letter, self._unknown or self.in_flight
        self._settle(NotSafe(letter.order_id, letter.merchant, problem, unknown, self.attempts))

    def _settle(self, outcome: Receipt | NotSafe) -> None:
        if self.outcome is None:
            self.outcome = outcome
            self.settled.set()


class Unconfirmed:
    """Orders of one channel that wait for an answer, by delivery tag; tags count from 1, as the broker counts them.

    The broker returns a mandatory message that no queue takes before it confirms it, without its tag: the return is
    matched by the order's id, the oldest first.
    """

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, tuple[Pending, float]] = {}
        self._returned: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, pending: Pending, now: float) -> None:
        """The next publish on the channel; `now` in monotonic seconds."""
        self._last += 1
        self._waiting[self._last] = (pending, now)

    def oldest(self) -> float:
        """When the order that has waited longest took off. Only asked while there is one."""
        return next(iter(self._waiting.values()))[1]

    def restart_clocks(self, now: float) -> None:
        """A blocked broker stands still: the time does not count."""
        self._waiting = {tag: (pending, now) for tag, (pending, _) in self._waiting.items()}

    def returned(self, order_id: str, why: str) -> None:
        """The broker gave a mandatory message back; its confirm follows and means nothing."""
        for tag, (pending, _) in self._waiting.items():
            if pending.letter.order_id == order_id and tag not in self._returned:
                self._returned[tag] = why
                return

    def answered(self, tag: int, *, multiple: bool) -> list[tuple[Pending, str | None]]:
        """Those that this confirm, or refusal, is about; each with why it was returned, if it was."""
        tags = [other for other in self._waiting if other <= tag] if multiple else [tag]
        found = [(one, self._waiting.pop(one, None)) for one in tags]
        return [(entry[0], self._returned.pop(one, None)) for one, entry in found if entry]

    def lost(self) -> list[Pending]:
        """The channel is gone: nothing on it will be answered."""
        waiting, self._waiting = self._waiting, {}
        self._returned.clear()
        return [pending for pending, _ in waiting.values()]
