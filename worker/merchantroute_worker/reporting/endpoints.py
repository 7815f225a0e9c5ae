"""The pod's HTTP endpoints on one port: /livez, /readyz, /metrics and /merchants.

Liveness means that the process runs its hub: under gevent this server is greenlets on the same hub as the orders, so
any answer is proof enough. If liveness depended on the broker, a restart of the broker would restart every pod.
Readiness means that the pod consumes.
"""

import errno
import json
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.threads import start_daemon

TEXT, JSON = "text/plain; charset=utf-8", "application/json"
MAX_MERCHANTS = 1000
NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})  # the kernel was started without, or told to do without
READ_TIMEOUT = 10.0  # seconds for a client that connects and sends nothing
Response = tuple[HTTPStatus, str, bytes]


def serve(pod: Pod) -> None:
    """Start the HTTP server. OSError when the port is in use."""

    class Handler(_Handler):
        pages = _Pages(pod)

    server = _server(pod.identity.port, Handler)
    # How often it checks for shutdown, which never comes.
    start_daemon(lambda: server.serve_forever(poll_interval=60.0), "probes")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _ServerOfBothFamilies(_Server):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        # A distribution may have set net.ipv6.bindv6only: :: would not take IPv4 then.
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def _server(port: int, handler: type[BaseHTTPRequestHandler]) -> _Server:
    """Give a server on IPv4 and IPv6, for the kubelet has one of them only in some clusters."""
    try:
        return _ServerOfBothFamilies(("::", port), handler)
    except OSError as error:
        if error.errno not in NO_IPV6:
            raise
        return _Server(("0.0.0.0", port), handler)


class _Handler(BaseHTTPRequestHandler):
    pages: "_Pages"
    timeout = READ_TIMEOUT
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Answer one request."""
        status, kind, body = self.pages.get(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing: the kubelet probes every few seconds."""


class _Pages:
    def __init__(self, pod: Pod) -> None:
        self._pod = pod

    def get(self, target: str) -> Response:
        """The response for one request target."""
        pod, url = self._pod, urlsplit(target)
        if url.path == "/livez":
            return HTTPStatus.OK, TEXT, b"the hub turns\n"
        if url.path == "/readyz":
            status = HTTPStatus.OK if pod.readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
            return status, TEXT, f"{pod.readiness.text}\n".encode()
        if url.path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            totals = pod.bulkhead.sums(pod.clock.now())
            own = pod.own_orders
            text = pod.metrics.render(
                slots=pod.concurrency,
                busy=pod.counters.busy,
                merchants=totals,
                own_queues=len(own.own_tags) if own else 0,
                own_waiting=own.of_all_own if own else 0,
            )
            return HTTPStatus.OK, kind, text
        if url.path == "/merchants":
            top = parse_qs(url.query).get("top", ["20"])[-1]
            if not (top.isascii() and top.isdigit() and len(top) < 9 and 1 <= int(top) <= MAX_MERCHANTS):
                return HTTPStatus.BAD_REQUEST, TEXT, f"top must be a number from 1 to {MAX_MERCHANTS}\n".encode()
            return HTTPStatus.OK, JSON, json.dumps(self._merchants(int(top))).encode()
        return HTTPStatus.NOT_FOUND, TEXT, b"try /livez /readyz /metrics /merchants\n"

    def _merchants(self, top: int) -> dict[str, Any]:
        pod, now = self._pod, self._pod.clock.now()
        not_understood = pod.files.current.not_understood if pod.files.generation else {}
        return {
            "generation": pod.files.generation,
            "configuration": pod.files.problem or "current",
            "notUnderstood": dict(islice(not_understood.items(), top)),
            "slots": pod.concurrency,
            "busy": pod.counters.busy,
            "taken": pod.counters.taken,
            "known": pod.bulkhead.sums(now).known,
            "merchants": [
                {**shown.as_json(), **self._own_queue(shown.merchant)} for shown in pod.bulkhead.busiest(top, now)
            ],
        }

    def _own_queue(self, merchant: str) -> dict[str, Any]:
        own = self._pod.own_orders
        part = own.part(merchant) if own else None
        if own is None or part is None:
            return {"ownQueue": None}
        shown = {"queue": part.queue, "part": part.part, "bound": part.bound, "waiting": own.of_own(merchant)}
        return {"ownQueue": shown}
