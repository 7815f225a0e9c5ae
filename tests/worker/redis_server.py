"""A Redis for the tests of result backends, and its Python client: both from Debian, in an image made on this machine.

The project itself does not use Redis, so its client is in no lock file.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from merchantroute_kit.servers.hack import adopt_tools, hack
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until
from tests.worker.own_images import BUILDING, build

IMAGE = "merchantroute-test-redis:latest"
DOCKERFILE = """FROM debian:trixie-slim
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server python3-redis
"""
CLIENT = "/usr/lib/python3/dist-packages"  # with the metadata, by which kombu looks up its version


@contextmanager
def redis_server(root: Path) -> Iterator[tuple[str, Path]]:
    """Start one on loopback; gives its URL, and a folder for the path of whoever imports its client."""
    hack("docker-up", within=BUILDING)
    hack("base-image", within=BUILDING)
    adopt_tools()
    (root / "image").mkdir()
    build(root / "image", DOCKERFILE, IMAGE)
    name, port = (
        f"merchantroute-own-{os.environ.get('MR_TEST_LEADER', os.getpid())}-redis-{os.urandom(3).hex()}",
        free_port(),
    )
    command = ["docker", "run", "--detach", "--rm", "--name", name, "--publish", f"127.0.0.1:{port}:6379", IMAGE]
    _docker(*command[1:], "redis-server", "--protected-mode", "no", "--save", "")
    try:
        until(lambda: _docker("exec", name, "redis-cli", "ping") == "PONG", "Redis to answer")
        client = root / "client"
        _docker("cp", f"{name}:{CLIENT}", str(client))
        yield f"redis://127.0.0.1:{port}/0", client
    finally:
        _docker("rm", "--force", name)


def _docker(*arguments: str) -> str:
    ended = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    return ended.stdout.strip()
