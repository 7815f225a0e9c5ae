"""`kubectl port-forward` for the time of a command: outside a cluster the name of a Service does not resolve."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import IO

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import Kubectl
from merchantroute_worker.rabbit.address import BrokerAddress

STARTING = 20.0  # seconds
TERMINATE_TIMEOUT = 5.0
_LISTENING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(kubectl: Kubectl, address: BrokerAddress, service: tuple[str, str]) -> Iterator[BrokerAddress]:
    """Forward a local port to the Service within the block, and give its address. Problem says why it fails."""
    namespace, name = service
    command = kubectl.command(
        "port-forward", "-n", namespace, f"service/{name}", f":{address.port}", "--address=127.0.0.1"
    )
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            assert process.stdout  # noqa: S101 - for mypy: a pipe was asked for
            port = _port(process.stdout, f"service/{name} in {namespace}")
            yield replace(address, host="127.0.0.1", port=port, certified_name=address.certified_name or address.host)
        finally:
            process.terminate()
            try:
                process.wait(TERMINATE_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(output: IO[bytes], target: str) -> int:
    """The port that kubectl chose, which it prints once it listens."""
    printed, end = b"", monotonic() + STARTING
    with DefaultSelector() as selector:
        selector.register(output, EVENT_READ)
        while selector.select(max(0.0, end - monotonic())):
            chunk = output.read1(4096)  # type: ignore[attr-defined] # a pipe of bytes is buffered
            printed += chunk
            if found := _LISTENING.search(printed.decode(errors="replace")):
                return int(found[1])
            if not chunk:
                break
    lines = printed.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    raise Problem(
        f"`kubectl port-forward` to {target} failed: {lines[-1]}; forward the broker's port yourself and give --broker"
    )
