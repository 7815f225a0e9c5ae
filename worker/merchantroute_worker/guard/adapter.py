"""An adapter of requests that connects to nothing but addresses which the route's rules admit.

The name is looked up once for each connection, its addresses are judged, and urllib3 is given a judged one in place of
the name: `Host`, the name in TLS and the check of the certificate stay the URL's.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

try:
    import requests
    from requests.adapters import HTTPAdapter
except ImportError as error:
    raise ImportError("merchantroute_worker.guard is an adapter of requests: pip install requests") from error
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NewConnectionError

from merchantroute_worker.egress import rules as egress_rules
from merchantroute_worker.egress.addresses import api_server
from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.guard.route_rules import RouteRules

Rules = Callable[[], Egress]
SCHEMES = ("http://", "https://")


class ForbiddenAddress(egress_rules.ForbiddenAddress, requests.exceptions.RequestException):
    """The host leads to no address that the route allows; nothing was sent. A task that ends by it is a dead letter,
    `forbidden-address`.
    """


class GuardedAdapter(HTTPAdapter):
    """Mount it for http:// and https:// alike, or a redirect leads past it. `rules` gives the rules that hold now, the
    same object until they change; by default those of the route whose pod this is.
    """

    __attrs__ = (*HTTPAdapter.__attrs__, "_rules")

    def __init__(self, rules: Rules | None = None, **options: Any) -> None:
        self._rules: Rules = rules or RouteRules()
        self._used: Egress | None = None
        super().__init__(**options)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._used = None
        self._rules = state["_rules"]  # needed where the pools are made
        super().__setstate__(state)  # type: ignore[misc]

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools' manager, whose connections are judged."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._rules)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Refuse: a proxy looks names up itself, so that nothing here could judge them."""
        del proxy, options
        raise ForbiddenAddress(
            "a proxy is set for this URL, and where it connects to cannot be judged here: take it out of the "
            "environment, or set trust_env = False on the session"
        )

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send the request. ForbiddenAddress where none of the host's addresses may be connected to."""
        rules = self._rules()
        if rules is not self._used:
            # A kept connection is not judged again: it ends with the rules by which it was opened.
            self.poolmanager.clear()
            self._used = rules
        try:
            return super().send(request, *args, **options)
        except _Refused as refused:
            raise ForbiddenAddress(str(refused), request=request) from None
        except LocationValueError as error:
            raise requests.exceptions.InvalidURL(str(error), request=request) from error


def mount(session: requests.Session, rules: Rules | None = None, **options: Any) -> requests.Session:
    """Give the session, all of whose calls are judged from now on. `options` are HTTPAdapter's."""
    adapter = GuardedAdapter(rules, **options)
    for scheme in SCHEMES:
        session.mount(scheme, adapter)
    return session


def session(**options: Any) -> requests.Session:
    """Give a new session whose calls are judged, without proxies and .netrc of the environment."""
    made = mount(requests.Session(), **options)
    made.trust_env = False
    return made


class _Refused(Exception):
    """No OSError: urllib3 takes those for failures to connect, and tries again."""


def _pools(rules: Rules) -> dict[str, Any]:
    """Pools by scheme whose connections are judged by these rules."""
    sensitive = api_server(os.environ)

    def connected(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
        name: str = connection._dns_host  # noqa: SLF001 - what urllib3 connects to, beside the name that it speaks of
        host = name.strip("[]")
        try:
            egress_rules.check_spelling(host)
            resolved = socket.getaddrinfo(host, connection.port, 0, socket.SOCK_STREAM)
            judged = rules().admitted(host, resolved, sensitive)
        except UnicodeError as error:
            raise LocationValueError(f"the host {host!r} is no name: {error}") from error
        except socket.gaierror as error:
            raise NewConnectionError(connection, f"{host} has no address: {error}") from error
        except egress_rules.ForbiddenAddress as error:
            raise _Refused(f"{error} ({name}:{connection.port})") from None
        failure: Exception = NewConnectionError(connection, f"{host} has no address")
        try:
            for info in judged:
                connection._dns_host = str(info[4][0])  # noqa: SLF001 - a number, which nobody looks up again
                try:
                    return connect()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failure = error
        finally:
            connection._dns_host = name  # noqa: SLF001
        raise failure

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self, super()._new_conn)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self, super()._new_conn)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
