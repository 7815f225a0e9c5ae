"""A Kubernetes API server with its etcd as two processes of this machine: no nodes, no controllers, so never a pod.

What is stored stays as it was written, which is what a test or a measurement of the operator alone wants.
"""

import json
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from merchantroute_kit.servers.hack import hack
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

BUILDING = 2400.0  # seconds; cold, both programs are compiled first
TOKEN = "administrator"  # noqa: S105 - of a server on loopback that lives for one run
_QUOTA = "8589934592"  # bytes that etcd takes before it refuses writes


@dataclass(frozen=True)
class ApiServer:
    """Where it is, and a kubeconfig of its administrator."""

    url: str
    kubeconfig: Path
    audit_log: Path

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """One request; gives its JSON.

        Raises:
            urllib.error.HTTPError: the server answered 4xx or 5xx.
        """
        request = urllib.request.Request(  # noqa: S310 - a URL of our own making
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=60, context=_trusting()) as answer:  # noqa: S310
            return json.loads(answer.read())

    def apply(self, path: str, body: Any) -> Any:
        """Server-side apply of an object under its path."""
        query = "?fieldManager=kit&force=true"
        return self.call("PATCH", path + query, body, "application/apply-patch+yaml")

    def is_ready(self) -> bool:
        """Whether it answers that it is."""
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=5, context=_trusting()) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """Start one for the time of the block, with nothing in it but what it makes itself."""
    programs = Path(hack("api-server-bin", within=BUILDING).strip().splitlines()[-1])
    root = Path(tempfile.mkdtemp(prefix="merchantroute-api-server-"))
    port, etcd = free_port(), f"http://127.0.0.1:{free_port()}"
    server = ApiServer(f"https://127.0.0.1:{port}", root / "kubeconfig", root / "audit.log")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        _write_files(root, server)
        stack.enter_context(_running(root, "etcd", [str(programs / "etcd"), *_etcd_flags(root, etcd)]))
        flags = _server_flags(root, port, etcd)
        stack.enter_context(_running(root, "kube-apiserver", [str(programs / "kube-apiserver"), *flags]))
        until(server.is_ready, "the API server to be ready", 120, explain=lambda: _end_of(root / "kube-apiserver.log"))
        yield server


def _etcd_flags(root: Path, url: str) -> list[str]:
    peer = f"http://127.0.0.1:{free_port()}"
    return [
        "--data-dir", str(root / "etcd"), "--listen-client-urls", url, "--advertise-client-urls", url,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
        "--unsafe-no-fsync", "--quota-backend-bytes", _QUOTA, "--log-level", "error",
    ]  # fmt: skip


def _server_flags(root: Path, port: int, etcd: str) -> list[str]:
    key = str(root / "accounts.key")
    return [
        "--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", str(port),
        "--cert-dir", str(root / "certificates"), "--token-auth-file", str(root / "tokens.csv"),
        "--authorization-mode", "AlwaysAllow", "--service-cluster-ip-range", "10.0.0.0/24",
        "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
        "--service-account-signing-key-file", key,
        # There is no controller that would make the accounts which this one asks for.
        "--disable-admission-plugins", "ServiceAccount",
        "--audit-policy-file", str(root / "audit-policy.json"), "--audit-log-path", str(root / "audit.log"),
    ]  # fmt: skip


def _write_files(root: Path, server: ApiServer) -> None:
    (root / "tokens.csv").write_text(f'{TOKEN},administrator,1,"system:masters"\n')
    command = ["openssl", "genrsa", "-out", str(root / "accounts.key"), "2048"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
    }
    (root / "audit-policy.json").write_text(json.dumps(policy))
    named = {"name": "here"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        # It signs its own certificate, on loopback.
        "clusters": [{**named, "cluster": {"server": server.url, "insecure-skip-tls-verify": True}}],
        "users": [{**named, "user": {"token": TOKEN}}],
        "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
    }
    server.kubeconfig.write_text(json.dumps(config))


@contextmanager
def _running(root: Path, name: str, command: list[str]) -> Iterator[None]:
    with (root / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@cache
def _trusting() -> ssl.SSLContext:
    """The server signs its own certificate, on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
