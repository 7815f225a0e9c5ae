"""Makes an outcome safe: one pipeline for orders of the built-in task and for an app's own tasks."""

import logging
from abc import ABC, abstractmethod
from typing import Any, Generic

from merchantroute_worker.config.identity import STABLE
from merchantroute_worker.delivery.delivery import Delivery, Stage
from merchantroute_worker.orders.envelope import DeliveryKey
from merchantroute_worker.orders.messages import MOST_RETURNS, Outgoing, at_once, returns
from merchantroute_worker.orders.outcome import Done, Outcome, T, ToDead, ToLadder

log = logging.getLogger(__name__)
BEYOND_PART = "own-queue"
"""The reason of an order from the lane's queue whose merchant's own queue has it work elsewhere, or later."""


class Settlement(Delivery, ABC, Generic[T]):
    """A delivery that ends as done, on the ladder or in dead letters. Subclasses build its completion record and its
    messages.
    """

    error_name = "DeadLetter"
    """The class of the exception that ended the work, for task events."""

    @abstractmethod
    def record(self, done: Done[T]) -> dict[str, Any]:
        """The completion record of a finished order (schema/completion.json)."""

    @abstractmethod
    def rung_message(self, to: ToLadder[T]) -> Outgoing:
        """The message to publish to the ladder."""

    @abstractmethod
    def dead_message(self, to: ToDead[T]) -> Outgoing:
        """The message to publish to dead letters."""

    def settle(self, outcome: Outcome[T], key: DeliveryKey) -> None:
        """Make the outcome safe, then ack. `key` is the delivery key of the message as it arrived."""
        if not self.advance(Stage.SETTLING):
            return
        self.pod.settling.add(key)
        try:
            if isinstance(outcome, Done):
                self._settle_done(outcome, key)
            elif isinstance(outcome, ToLadder):
                self._settle_on_ladder(outcome, key)
            else:
                self._settle_as_dead(outcome, key)
        finally:
            self.pod.settling.discard(key)

    def _settle_done(self, done: Done[T], key: DeliveryKey) -> None:
        document = self.record(done)
        with self.pod.holds_outcome(self):
            recorded = self.pod.completions.write(document, self.must_give_up)
        if recorded:
            self.pod.remember_settled(key)
            self.pod.outcome_counter.done(document["seconds"])
            self.pod.events.succeeded(self.incoming, self.work_seconds)
            self.ack()

    @property
    def has_open_own_queue(self) -> bool:
        """Whether the router leads the message to its merchant's own queue; not where it has come back from there
        again and again.
        """
        own = self.pod.files.current.own_queue(self.incoming.routing_key)
        return own is not None and own.bound and returns(self.incoming) < MOST_RETURNS

    @property
    def goes_at_once(self) -> bool:
        """Whether the message goes to its merchant's own queue without a wait. Only the stable lane works those, and
        only its user may write to the router: from another lane the ladder leads there.
        """
        return self.has_open_own_queue and self.pod.identity.lane == STABLE

    @property
    def is_for_own_queue(self) -> bool:
        """Whether the message came through the lane, and is more than this pod may work of its merchant's own queue."""
        return self.beyond_part and not self.pod.identity.alone and self.has_open_own_queue

    def _settle_on_ladder(self, to: ToLadder[T], key: DeliveryKey) -> None:
        message = self.rung_message(to)
        if to.at_once:
            message = at_once(message, self.pod.files.current.router, returns(self.incoming))
        self.publish_then_ack(message, key, lambda: self._count_ladder(to))

    def _count_ladder(self, to: ToLadder[T]) -> None:
        self.pod.outcome_counter.to_ladder(to.outcome, to.reason)
        if to.outcome == "refused":
            self.pod.metrics.refused("router" if to.at_once else "rung")
        if to.outcome == "retried":
            self.pod.events.retried(self.incoming, to.reason)

    def _settle_as_dead(self, to: ToDead[T], key: DeliveryKey) -> None:
        why = to.why
        fields = {"step": why.step, "attempts": why.attempts, "answer": why.answer_class}
        if why.answer_text:
            fields["answerText"] = why.answer_text
        log.warning("order is dead: %s", why.reason, extra={"data": {**self.log_fields(why.reason), **fields}})
        self.publish_then_ack(self.dead_message(to), key, lambda: self._count_dead(why.reason))

    def _count_dead(self, reason: str) -> None:
        self.pod.outcome_counter.dead(reason)
        if not self.work_seconds:
            self.pod.events.received(self.incoming)
        self.pod.events.failed(self.incoming, reason, self.error_name)
