"""OpenTelemetry tracing: one span for each attempt at an order, one below it for each call.

The SDK reads the exporter, the sampling and the service's name from its environment. A thread of the SDK exports spans
in batches; an exporter that does not answer costs spans, never an order.
"""

import threading
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from merchantroute_worker.config.identity import Identity
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.telemetry.tracing import OrderTrace

FLUSH_TIMEOUT = 2.0
_PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetryTracer:
    """Starts spans; see `tracing.Tracer`."""

    def __init__(self, identity: Identity) -> None:
        resource = Resource.create(
            {
                "service.name": f"merchantroute-worker/{identity.route}",
                "service.instance.id": identity.pod,
                "merchantroute.tier": identity.tier,
                "merchantroute.lane": identity.lane,
            }
        )
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("merchantroute_worker")

    def order(self, order: str, merchant: str, attempt: int, context: Mapping[str, str]) -> OrderTrace:
        """See `tracing.Tracer`."""
        attributes: dict[str, Any] = {
            "messaging.system": "rabbitmq",
            "messaging.message.conversation_id": order,
            "merchantroute.merchant": merchant,
            "merchantroute.attempt": attempt,
        }
        parent = _PROPAGATOR.extract(context)
        span = self._tracer.start_span("order", context=parent, kind=SpanKind.CONSUMER, attributes=attributes)
        return _OrderSpan(self._tracer, span, merchant)

    def close(self) -> None:
        """See `tracing.Tracer`."""
        # The SDK's own timeouts do not apply: it waits for a running export as long as that takes.
        flush = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        flush.start()
        flush.join(FLUSH_TIMEOUT)


class _OrderSpan:
    """The span of one attempt. Calls follow each other, so at most one call's span is open."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span, merchant: str) -> None:
        self._tracer, self._span, self._merchant = tracer, span, merchant
        self._call: trace.Span | None = None

    def context(self) -> Mapping[str, str]:
        return _injected(self._span)

    def begins(self, step: str) -> Mapping[str, str]:
        attributes = {"merchantroute.step": step, "merchantroute.merchant": self._merchant}
        parent = trace.set_span_in_context(self._span)
        self._call = self._tracer.start_span(f"step {step}", parent, SpanKind.CLIENT, attributes)
        return _injected(self._call)

    def ended(self, answer: Answer) -> None:
        if self._call is None:
            return
        self._call.set_attribute("merchantroute.answer", answer.label)
        if answer.status is not None:
            self._call.set_attribute("http.response.status_code", answer.status)
        if not answer.succeeded:
            for span in (self._call, self._span):
                span.set_status(Status(StatusCode.ERROR, answer.text))
        self._call.end()
        self._call = None

    def close(self) -> None:
        if self._call is not None:
            self._call.end()
        self._span.end()


def _injected(span: trace.Span) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers, trace.set_span_in_context(span))
    return headers
