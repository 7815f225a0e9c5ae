"""The pod's one port: liveness, readiness, metrics, and the merchants that hold its slots.

Liveness is the hub alone: this server is a greenlet, so that it answers at all is the answer. Were it about the
broker, a broker's restart would restart the fleet. Readiness is consuming.
"""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from gevent.pywsgi import WSGIServer

from merchantroute_worker.pod import Pod

TEXT, JSON = "text/plain; charset=utf-8", "application/json"


def serve(pod: Pod) -> WSGIServer:
    """Start answering. OSError when the port is taken."""
    server = WSGIServer(("0.0.0.0", pod.identity.port), _Application(pod), log=None)
    server.start()
    return server


class _Application:
    def __init__(self, pod: Pod) -> None:
        self._pod = pod

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = self._answer(environ.get("PATH_INFO", "/"), environ.get("QUERY_STRING", ""))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, path: str, query: str) -> tuple[str, str, bytes]:
        pod = self._pod
        if path == "/livez":
            return "200 OK", TEXT, b"the hub turns\n"
        if path == "/readyz":
            return "200 OK" if pod.status.ready else "503 Service Unavailable", TEXT, f"{pod.status.line}\n".encode()
        if path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            return "200 OK", kind, pod.metrics.render(slots=pod.concurrency, busy=pod.tally.busy)
        if path == "/merchants":
            return "200 OK", JSON, json.dumps(self._merchants(query)).encode()
        return "404 Not Found", TEXT, b"try /livez /readyz /metrics /merchants\n"

    def _merchants(self, query: str) -> dict[str, Any]:
        pod = self._pod
        top = parse_qs(query).get("top", ["20"])[0]
        return {
            "generation": pod.files.generation,
            "configuration": pod.files.problem or "current",
            "slots": pod.concurrency,
            "busy": pod.tally.busy,
            "merchants": pod.merchants.busiest(int(top) if top.isdigit() else 20, time.monotonic()),
        }
