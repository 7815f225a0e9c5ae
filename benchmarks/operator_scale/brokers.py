"""Three brokers: two virtual hosts of a real RabbitMQ with several users each, and one that never answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from merchantroute_kit.servers.rabbitmq import USER, RabbitMQ, own_broker
from merchantroute_kit.servers.vhosts import Vhost, api, make_vhost

USERS = 4  # of one virtual host
LIVE = 2
_PASSWORD = "test"  # noqa: S105 - of a broker on loopback that lives for one run


@dataclass(frozen=True)
class Account:
    """A user of a broker, as the keys of a Secret."""

    keys: dict[str, str]


class Brokers:
    """The three; the last one hangs."""

    def __init__(self, rabbit: RabbitMQ, vhosts: list[Vhost], silent: int) -> None:
        self.vhosts = vhosts
        self.count = len(vhosts) + 1
        self._rabbit = rabbit
        self._silent = silent

    def account(self, broker: int, user: int) -> Account:
        """What a namespace's Secret says of it; ``user`` is any number."""
        if broker >= len(self.vhosts):
            port = self._silent
            return Account(_keys("silent", port, f"http://127.0.0.1:{port}", "/"))
        management = f"http://127.0.0.1:{self._rabbit.management_port}"
        return Account(_keys(_user(user), self._rabbit.amqp_port, management, self.vhosts[broker].name))

    def bindings(self, broker: int, exchange: str) -> list[dict[str, Any]]:
        """Those from an exchange; none while it is not there."""
        vhost = self.vhosts[broker]
        with suppress(OSError):
            found: list[dict[str, Any]] = vhost.api(
                "GET", f"exchanges/{quote(vhost.name, safe='')}/{quote(exchange, safe='')}/bindings/source"
            )
            return found
        return []

    def leads(self, broker: int, source: str, target: str, key: str) -> bool:
        """Whether a binding leads from the one exchange to the other by this key: one small answer."""
        vhost = self.vhosts[broker]
        path = f"bindings/{quote(vhost.name, safe='')}/e/{source}/e/{target}/{quote(key, safe='')}"
        with suppress(OSError):  # not found
            return bool(vhost.api("GET", path))
        return False

    def unbind(self, broker: int, source: str, target: str, key: str) -> None:
        """Take a binding away, as somebody with the management UI does."""
        vhost = self.vhosts[broker]
        vhost.api("DELETE", f"bindings/{quote(vhost.name, safe='')}/e/{source}/e/{target}/{quote(key, safe='')}")


@contextmanager
def three_brokers() -> Iterator[Brokers]:
    """All for the time of the block."""
    with ExitStack() as stack:
        rabbit = stack.enter_context(own_broker(settings=""))
        vhosts = [make_vhost(rabbit.amqp_url, rabbit.mgmt_url, USER) for _ in range(LIVE)]
        for number in range(USERS):
            _make_user(rabbit, _user(number), vhosts)
        yield Brokers(rabbit, vhosts, stack.enter_context(_silent()))


def _user(number: int) -> str:
    return f"user-{number % USERS}"


def _make_user(rabbit: RabbitMQ, name: str, vhosts: list[Vhost]) -> None:
    api(rabbit.mgmt_url, "PUT", f"users/{name}", {"password": _PASSWORD, "tags": "management"})
    for vhost in vhosts:
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        api(rabbit.mgmt_url, "PUT", f"permissions/{quote(vhost.name, safe='')}/{name}", everything)


def _keys(user: str, port: int, management: str, vhost: str) -> dict[str, str]:
    return {
        "host": "127.0.0.1",
        "port": str(port),
        "username": user,
        "password": _PASSWORD,
        "vhost": vhost,
        "management_uri": management,
    }


@contextmanager
def _silent() -> Iterator[int]:
    """A port that accepts every connection and says nothing."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    kept.append(listening.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
    for each in kept:
        each.close()
