"""The examples of docs/producing.md, as they stand there, pointed at a virtual host of the test's own."""

import asyncio
import base64
import inspect
import json
import re
import shlex
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from merchantroute_kit.servers.vhosts import Vhost

PAGE = Path(__file__).resolve().parents[3] / "docs" / "producing.md"
CLIENT, ASYNCIO, CELERY, BARE = "With the client", "From asyncio", "From Celery, by hand", "With bare AMQP"
DELAY, OUTBOX = "With Celery's delay, and from beat", "With an outbox"
NODE, CURL = "From Node", "With curl, through the management API"
DOOR = "mr.orders.pos"

Publish = Callable[[str, str, dict[str, Any]], None]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def blocks(section: str, language: str) -> list[str]:
    """The blocks of code in a section."""
    text = PAGE.read_text().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def block(section: str, language: str) -> str:
    """The one block of code in a section."""
    (found,) = blocks(section, language)
    return found


@dataclass(frozen=True)
class PythonExample:
    """The section's own function, and how to let go of what it holds."""

    publish: Publish
    close: Callable[[], None]


def python(section: str, vhost: Vhost) -> PythonExample:
    """Run the section's block; only the broker's address is another one."""
    example = re.sub(r'broker="amqp://[^"]*"', f'broker="{vhost.amqp_url}"', block(section, "python"))
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102 - it is the repository's own example
    address = {"HOST": f"{vhost.host}:{vhost.port}", "USER": vhost.username, "PASSWORD": vhost.password}
    names.update({**address, "VHOST": vhost.name})
    held = names.get("client") or names.get("app")
    return PythonExample(_called(names["publish"]), held.close if held else lambda: None)


def _called(publish: Any) -> Publish:
    """A coroutine function runs in a loop of its own."""
    if not inspect.iscoroutinefunction(publish):
        return publish
    return lambda *arguments: asyncio.run(publish(*arguments))


@dataclass(frozen=True)
class Curl:
    """The request that the page's command line makes, and what the command looks for in the answer."""

    url: str
    body: dict[str, Any]
    wanted: str
    options: tuple[str, ...]

    def send(self, vhost: Vhost) -> tuple[int, str]:
        """Make it, as curl would, at the vhost's broker; status and answer."""
        path = urlsplit(self.url).path.replace("/%2F/", f"/{vhost.name}/")
        management = urlsplit(vhost.mgmt_url)
        request = urllib.request.Request(
            f"http://{management.hostname}:{management.port}{path}",
            data=json.dumps(self.body).encode(),
            headers={"Content-Type": "application/json", "Authorization": _login(vhost)},
        )
        try:
            with _DIRECT.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def curl() -> Curl:
    """Read the page's command."""
    words = shlex.split(block(CURL, "sh"))
    pipe = words.index("|")
    command, wanted = words[:pipe], words[pipe + 1 :]
    assert (command[0], wanted[0]) == ("curl", "grep")
    return Curl(command[-1], json.loads(command[command.index("--json") + 1]), wanted[1], tuple(command[1:-1]))


def _login(vhost: Vhost) -> str:
    return "Basic " + base64.b64encode(f"{vhost.username}:{vhost.password}".encode()).decode()
