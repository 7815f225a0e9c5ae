"""Chooses the tracer that the environment asks for: OpenTelemetry where an exporter is named, none otherwise."""

import logging
from collections.abc import Mapping

from merchantroute_worker.config.identity import Identity
from merchantroute_worker.telemetry.tracing import NoTracer, Tracer

log = logging.getLogger(__name__)


def from_environment(environment: Mapping[str, str], identity: Identity) -> Tracer:
    """A tracer where OTEL_EXPORTER_OTLP_ENDPOINT (or the one for traces) is set, unless OTEL_SDK_DISABLED says no."""
    named = any(environment.get(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT") for name in ("", "TRACES_"))
    if not named or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return NoTracer()
    try:
        from merchantroute_worker.telemetry.tracing_otel import OpenTelemetryTracer
    except ImportError as error:
        log.warning("traces are asked for, but not made: install merchantroute[otel] (%s)", error)
        return NoTracer()
    return OpenTelemetryTracer(identity)
