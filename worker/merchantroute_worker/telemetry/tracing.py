"""Traces, from the producer to the last call: W3C trace context travels in the message's headers.

Off unless the environment names an exporter (OpenTelemetry's own variables) and the package is there. Even then an
order's context is passed on to its merchant: a header costs nothing, and theirs may be traced where ours is not.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from merchantroute_worker.config.identity import Identity
from merchantroute_worker.orders.answers import Answer

log = logging.getLogger(__name__)


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


class _Off:
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


class Off:
    """No exporter is named."""

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """See `Tracer`."""
        del order, merchant, attempt
        return _Off(context)

    def close(self) -> None:
        """Nothing is left."""


def from_environment(environment: Mapping[str, str], who: Identity) -> Tracer:
    """A tracer where OTEL_EXPORTER_OTLP_ENDPOINT (or the one for traces) is set, unless OTEL_SDK_DISABLED says no."""
    named = any(environment.get(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT") for name in ("", "TRACES_"))
    if not named or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Off()
    try:
        from merchantroute_worker.telemetry.tracing_otel import OpenTelemetry
    except ImportError as error:
        log.warning("traces are asked for, but not made: install merchantroute[otel] (%s)", error)
        return Off()
    return OpenTelemetry(who)
