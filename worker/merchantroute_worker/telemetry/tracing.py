"""Tracing from the producer to the last call: W3C trace context in the message's headers.

It is off unless the environment names an exporter (OpenTelemetry's own variables) and the package is installed. Even
then an order's context is passed on to its merchant: a header costs nothing, and the merchant may trace where we do
not.
"""

from collections.abc import Mapping
from typing import Protocol

from merchantroute_worker.orders.answers import Answer


class OrderTrace(Protocol):
    """The trace of one attempt at one order."""

    def context(self) -> Mapping[str, str]:
        """The headers that continue the trace from here."""

    def begins(self, step: str) -> Mapping[str, str]:
        """A call begins; returns the headers to send with it."""

    def ended(self, answer: Answer) -> None:
        """The call ended."""

    def close(self) -> None:
        """The attempt ended."""


class Tracer(Protocol):
    """Starts traces."""

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """Start the trace of an attempt, from the context that its message carries."""

    def close(self) -> None:
        """Export the remaining spans, for a bounded time."""


class _PassThrough:
    """Passes the incoming context on."""

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
    """The tracer when no exporter is configured."""

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """See `Tracer`."""
        del order, merchant, attempt
        return _PassThrough(context)

    def close(self) -> None:
        """Nothing to export."""
