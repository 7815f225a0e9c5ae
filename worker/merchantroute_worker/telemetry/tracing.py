"""Traces, from the producer to the last call: W3C trace context travels in the message's headers.

Off unless the environment names an exporter (OpenTelemetry's own variables) and the package is there. Even then an
order's context is passed on to its merchant: a header costs nothing, and theirs may be traced where ours is not.
"""

from collections.abc import Mapping
from typing import Protocol

from merchantroute_worker.orders.answers import Answer


class OrderTrace(Protocol):
    """One attempt at one order."""

    def context(self) -> Mapping[str, str]:
        """The headers that continue the trace from here."""

    def begins(self, step: str) -> Mapping[str, str]:
        """A call begins; gives the headers to send with it."""

    def ended(self, answer: Answer) -> None:
        """The call ended."""

    def close(self) -> None:
        """The attempt is over."""


class Tracer(Protocol):
    """Makes traces."""

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """An attempt begins, with the context that its message carries."""

    def close(self) -> None:
        """Send what is left, for a bounded time."""


class _PassThrough:
    """Passes on what came."""

    def __init__(self, context: Mapping[str, str]) -> None:
        self._context = context

    def context(self) -> Mapping[str, str]:
        return self._context

    def begins(self, step: str) -> Mapping[str, str]:
        del step
        return self._context

    def ended(self, answer: Answer) -> None:
        del answer

    def close(self) -> None:
        pass


class NoTracer:
    """No exporter is named."""

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """See `Tracer`."""
        del order, merchant, attempt
        return _PassThrough(context)

    def close(self) -> None:
        """Nothing is left."""
