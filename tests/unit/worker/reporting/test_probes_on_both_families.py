"""The pod's HTTP server on IPv4 and IPv6, and where the kernel has no IPv6."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from merchantroute_kit.servers.ports import loopbacks
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.outcomes.ack_batch import ImmediateAcks
from merchantroute_worker.pod import Pod
from merchantroute_worker.reporting import endpoints
from merchantroute_worker.runtime.threads import start_daemon

WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}


@contextmanager
def serving() -> Iterator[int]:
    """Serve a pod's pages on a free port, which is given."""

    class Handler(endpoints._Handler):
        pages = endpoints._Pages(Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks()))

    server = endpoints._server(0, Handler)
    start_daemon(lambda: server.serve_forever(poll_interval=0.05), "probes")
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def livez(host: str, port: int) -> int:
    with urllib.request.urlopen(f"http://{f'[{host}]' if ':' in host else host}:{port}/livez", timeout=10) as answer:
        return int(answer.status)


def test_probes_are_answered_on_ipv4_and_on_ipv6() -> None:
    with serving() as port:
        assert {host: livez(host, port) for host in loopbacks()} == dict.fromkeys(loopbacks(), 200)


def test_without_ipv6_in_the_kernel_probes_are_answered_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints._ServerOfBothFamilies, "address_family", 200)  # one that no kernel has
    with serving() as port:
        assert livez("127.0.0.1", port) == 200


def test_a_port_in_use_is_told() -> None:
    with serving() as port, pytest.raises(OSError, match="in use"):
        endpoints._server(port, endpoints._Handler)
