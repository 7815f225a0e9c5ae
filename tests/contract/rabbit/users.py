"""Users of the broker with few rights, gone after the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress


@contextmanager
def user(
    vhost: Vhost, address: BrokerAddress, *, tags: str, configure: str | None, write: str = ".*", read: str = ".*"
) -> Iterator[BrokerAddress]:
    """The address for a new user who may configure what matches ``configure`` (None: may not use the vhost)."""
    name = f"test-{uuid4().hex[:8]}"
    vhost.api("PUT", f"users/{name}", {"password": "s3cret", "tags": tags})
    if configure is not None:
        rights = {"configure": configure, "write": write, "read": read}
        vhost.api("PUT", f"permissions/{vhost.name}/{name}", rights)
    try:
        yield replace(address, username=name, password="s3cret")
    finally:
        vhost.api("DELETE", f"users/{name}")
