"""An API server whose authority has no key identifiers, as older clusters have, to a Python that asks for them."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from kopf._cogs.clients.auth import APIContext

from merchantroute_operator import handlers
from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.client import connect
from tests.harness.certificates import authority, certificate

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
NAMESPACE = b'{"metadata": {"uid": "uid-of"}}'


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flags of Python 3.13's contexts, whatever Python this is."""
    usual = ssl.create_default_context

    def of_python_3_13(*given: Any, **options: Any) -> ssl.SSLContext:
        made = usual(*given, **options)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(ssl, "create_default_context", of_python_3_13)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    """An address that answers every request with a namespace."""
    issued = certificate(tmp_path, "server", by=authority(tmp_path, "ca"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(issued, issued.with_suffix(".key"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER.replace(b"30", str(len(NAMESPACE)).encode()) + NAMESPACE)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()


def kubeconfig(folder: Path, server: str, ca: Path) -> Path:
    written = folder / "kubeconfig"
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(ca.read_bytes()).decode()}
    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": {"token": "t"}}],
    }
    written.write_text(yaml.safe_dump(document))
    return written


@pytest.mark.usefixtures("strict")
async def test_the_operators_own_client_takes_it(server: str, tmp_path: Path) -> None:
    async with connect(str(kubeconfig(tmp_path, server, tmp_path / "ca.crt"))) as kube:
        assert await kube.cluster_id() == "uid-of"


@pytest.mark.usefixtures("strict")
async def test_another_authority_is_refused_and_that_is_said(server: str, tmp_path: Path) -> None:
    other = authority(tmp_path, "other")
    async with connect(str(kubeconfig(tmp_path, server, other))) as kube:
        with pytest.raises(KubeError, match=r"certificate is not trusted.*unable to get local issuer certificate"):
            await kube.cluster_id()


@pytest.mark.usefixtures("strict")
async def test_kopfs_watches_take_it(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, server, tmp_path / "ca.crt")))
    found = await handlers._log_in(kopf.login_with_kubeconfig, settings=kopf.OperatorSettings())
    assert found is not None

    context = APIContext(found)
    try:
        async with context.session.get(server) as answer:
            assert answer.status == 200
    finally:
        await context.close()


async def test_without_a_kubeconfig_nobody_logs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await handlers._log_in(kopf.login_with_kubeconfig, settings=kopf.OperatorSettings()) is None
