"""Virtual hosts of a real broker: one for each test, deleted afterwards with everything that was declared in it."""

import base64
import json
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

# The broker is on this machine: a proxy of the environment would know nothing of it.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Vhost:
    """A virtual host and how to reach it; `amqp_url` ends in its name, `mgmt_url` has no path."""

    name: str
    amqp_url: str
    mgmt_url: str
    host: str
    port: int
    username: str
    password: str

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the management API (`path` after /api/) and give its JSON, None for an empty answer.

        Raises:
            urllib.error.HTTPError: the broker answered 4xx or 5xx.
        """
        return api(self.mgmt_url, method, path, body)


def api(mgmt_url: str, method: str, path: str, body: Any = None) -> Any:
    """One call of the management API; credentials are taken from the URL."""
    url = urlsplit(mgmt_url)
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - a URL of our own making
        f"{url.scheme}://{url.netloc.rpartition('@')[2]}/api/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
    )
    with _DIRECT.open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@contextmanager
def fresh_vhost(amqp_url: str, mgmt_url: str, user: str) -> Iterator[Vhost]:
    """Make a virtual host in which `user` may do everything, and delete it afterwards."""
    vhost = make_vhost(amqp_url, mgmt_url, user)
    try:
        yield vhost
    finally:
        api(mgmt_url, "DELETE", f"vhosts/{vhost.name}")


def make_vhost(amqp_url: str, mgmt_url: str, user: str) -> Vhost:
    """One that goes with its broker: to delete thousands of queues takes longer than an answer may."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    url = urlsplit(amqp_url)
    api(mgmt_url, "PUT", f"vhosts/{name}", {"default_queue_type": "quorum"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    try:
        api(mgmt_url, "PUT", f"permissions/{name}/{quote(user, safe='')}", everything)
    except BaseException:
        api(mgmt_url, "DELETE", f"vhosts/{name}")
        raise
    return Vhost(
        name=name,
        amqp_url=f"{amqp_url}/{name}",
        mgmt_url=mgmt_url,
        host=url.hostname or "",
        port=url.port or 5672,
        username=url.username or "",
        password=url.password or "",
    )
