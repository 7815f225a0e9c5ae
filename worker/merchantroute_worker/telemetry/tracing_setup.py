"""Chooses the tracer: OpenTelemetry if the environment names an exporter, none otherwise."""

import logging
from collections.abc import Mapping

from merchantroute_worker.config.identity import Identity
from merchantroute_worker.telemetry.tracing import NoTracer, Tracer

log = logging.getLogger(__name__)


def from_environment(environment: Mapping[str, str], identity: Identity) -> Tracer:
    """The tracer for this environment: OpenTelemetry's if OTEL_EXPORTER_OTLP_ENDPOINT (or its TRACES variant) is set
    and OTEL_SDK_DISABLED is not true.
    """
    named = any(environment.get(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT") for name in ("", "TRACES_"))
    if not named or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return NoTracer()
    try:
        from merchantroute_worker.telemetry.tracing_otel import OpenTelemetryTracer
    except ImportError as error:
        log.warning("traces are asked for, but not made: install merchantroute[otel] (%s)", error)
        return NoTracer()
    return OpenTelemetryTracer(identity)
