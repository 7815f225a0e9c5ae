"""A mutating webhook that a real API server calls: it listens on the address by which the cluster's node reaches us."""

import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness.certificates import authority, certificate
from tests.harness.cluster import Kubectl

Patch = list[dict[str, Any]]  # JSON Patch


@contextmanager
def mutating_webhook(
    kubectl: Kubectl, namespace: str, folder: Path, resource: str, patch: Patch
) -> Iterator[list[str]]:
    """Patch each object of this kind (a plural of apps/v1) that is written to the namespace.

    Gives a list to which the operation of each call is added; dry runs count.
    """
    called: list[str] = []
    gateway = _gateway()
    ca = authority(folder, "webhook-ca")
    shown = certificate(folder, "webhook", by=ca, names=f"IP:{gateway}")
    server = ThreadingHTTPServer((gateway, 0), _handler(patch, called))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(shown, shown.with_suffix(".key"))
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhook = {
        "name": "changes.tests.merchantroute.dev",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "reinvocationPolicy": "IfNeeded",
        "clientConfig": {
            "url": f"https://{gateway}:{server.server_port}/",
            "caBundle": base64.b64encode(ca.read_bytes()).decode(),
        },
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [
            {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
        ],
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [webhook],
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(body))
    try:
        yield called
    finally:
        kubectl("delete", "mutatingwebhookconfiguration", namespace)
        server.shutdown()
        server.server_close()


def _gateway() -> str:
    """The host's IPv4 address on kind's network."""
    command = ["docker", "network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}"]
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    return next(address for address in found if "." in address)


def _handler(patch: Patch, called: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            called.append(review["request"]["operation"])
            answer: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch"}
            answer["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
            body = json.dumps({**review, "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    return Handler
