"""`kubectl port-forward` for the time of a command: from a person's machine a Service's name leads nowhere."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import IO

from merchantroute_worker.cli.addresses import Address
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import Kubectl

STARTING = 20.0  # seconds
GOODBYE = 5.0
_SAID = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(kubectl: Kubectl, address: Address, service: tuple[str, str]) -> Iterator[Address]:
    """The address by way of a port of this machine, open for the time of the block. Problem tells why not."""
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
            yield replace(address, host="127.0.0.1", port=port, certified=address.certified or address.host)
        finally:
            process.terminate()
            try:
                process.wait(GOODBYE)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(output: IO[bytes], target: str) -> int:
    """The port that kubectl chose, as it says once it listens."""
    said, end = b"", monotonic() + STARTING
    with DefaultSelector() as selector:
        selector.register(output, EVENT_READ)
        while selector.select(max(0.0, end - monotonic())):
            chunk = output.read1(4096)  # type: ignore[attr-defined] # a pipe of bytes is buffered
            said += chunk
            if found := _SAID.search(said.decode(errors="replace")):
                return int(found[1])
            if not chunk:
                break
    told = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    raise Problem(
        f"`kubectl port-forward` to {target} failed: {told[-1]}; forward the broker's port yourself and give --broker"
    )
