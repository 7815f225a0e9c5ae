"""Every way that is known to lead a call where it may not go is tried, at a name server that rebinds its names, too.

With c-ares, as pods have it: the built-in task's client and the guard of an app's own calls look names up there.
"""

from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import pytest
import requests
from gevent.resolver.ares import Resolver

from merchantroute_kit.servers.name_server import A, NameServer
from merchantroute_worker import guard
from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import UnusableEndpoint, build
from merchantroute_worker.egress.rules import Egress, parse_egress
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.step import Step
from tests.harness.forbidden_urls import ALL, NAMES
from tests.unit.worker.samples import order
from tests.worker.patched.raw_merchant import GOOD, HERE, Handler, Serve, saying

NOWHERE = Egress()
GET = Step(name="ask", method="GET", path="/")


class Names:
    """Whom the process asks for names: a server of ours."""

    def __init__(self) -> None:
        self.server = NameServer({name: [addresses] for name, addresses in NAMES.items()})
        self.hub = gevent.get_hub()
        self.before, self.hub.resolver = (
            self.hub.resolver,
            Resolver(servers=["127.0.0.1"], udp_port=str(self.server.port)),
        )

    def rebind(self, name: str, *rounds: list[str]) -> None:
        """Answer the first question with the first of these, and so on."""
        self.server.answers[name] = rounds

    def close(self) -> None:
        """Ask whom the process asked before."""
        self.hub.resolver.close()
        self.hub.resolver = self.before
        self.server.close()


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.close()


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that something connects to."""
    found: list[Any] = []
    usual = gevent.socket.socket.connect

    def connect(self: Any, address: Any) -> Any:
        found.append(address)
        if not address[0].startswith(("127.", "::1")):
            raise ConnectionRefusedError("nothing of a test leaves this machine")
        return usual(self, address)

    monkeypatch.setattr(gevent.socket.socket, "connect", connect)
    return found


def counting(count: list[int]) -> Handler:
    """Answer well, and note that somebody came."""
    well = saying(GOOD, then="keep")

    def handler(sock: Any) -> None:
        count.append(1)
        well(sock)

    return handler


def called(client: HttpClient, endpoint: str, egress: Egress) -> Answer:
    request = build(
        GET, order(), Merchant(id="bistro", endpoint=endpoint), attempt=1, insecure_hosts=("*",), egress=egress
    )
    return call_within(client, request, 10.0)


def test_the_built_in_task_calls_none_of_them(serve: Serve, client: HttpClient, names: Names, tried: list[Any]) -> None:
    came: list[int] = []
    port = serve(counting(came)).port

    def outcome(url: str) -> object:
        try:
            return called(client, url.replace("{port}", str(port)), NOWHERE).failure
        except UnusableEndpoint:
            return "forbidden"

    assert len(set(ALL)) >= 150
    assert {url: said for url in ALL if (said := outcome(url)) != "forbidden"} == {}
    assert (tried, came) == ([], [])


def test_the_guard_lets_none_of_them_through(serve: Serve, names: Names, tried: list[Any]) -> None:
    came: list[int] = []
    port = serve(counting(came)).port
    session = guard.session(rules=lambda: NOWHERE)

    def outcome(url: str) -> object:
        try:
            return session.get(url.replace("{port}", str(port)), timeout=5).status_code
        except requests.exceptions.ConnectionError as error:
            # A name that nobody has, such as what c-ares does not take for an address.
            return "" if "has no address" in str(error) else error
        except (requests.exceptions.RequestException, ValueError):
            return ""

    assert {url: said for url in ALL if (said := outcome(url))} == {}
    assert (tried, came) == ([], [])


def test_they_do_lead_here_where_the_rules_allow_it(serve: Serve, client: HttpClient, names: Names) -> None:
    """Otherwise the tests above would show nothing."""
    came: list[int] = []
    port = serve(counting(came)).port
    heard: dict[str, list[str]] = {"task": [], "guard": []}
    session = guard.session(rules=lambda: HERE)
    for url in ALL:
        here = url.replace("{port}", str(port))
        before = len(came)
        try:
            if called(client, here, HERE).status == 200:
                heard["task"].append(url)
        except UnusableEndpoint:
            pass
        try:
            session.get(here, timeout=5).close()
        except (requests.exceptions.RequestException, ValueError):
            continue
        assert len(came) >= before
        heard["guard"].append(url)

    assert {"http://127.0.0.1:{port}/", "http://localtest.me:{port}/", "http://both-loopbacks.example:{port}/"} <= set(
        heard["task"]
    )
    assert {"http://127.0.0.1:{port}/", "http://lvh.me:{port}/", "http://pos.example@127.0.0.1:{port}/"} <= set(
        heard["guard"]
    )


@pytest.mark.parametrize("how", ["task", "guard"])
def test_what_was_judged_is_what_is_connected_to(
    serve: Serve, client: HttpClient, names: Names, tried: list[Any], how: str
) -> None:
    """The name is allowed when it is judged, and leads elsewhere a moment later."""
    inside, outside = list[int](), list[int]()
    port = serve(counting(outside), "127.0.0.2").port
    rules = parse_egress({"allow": ["127.0.0.2"]})
    secret = gevent.server.StreamServer(("127.0.0.1", port), lambda *_: inside.append(1))
    secret.start()
    names.rebind("rebinds.example", ["127.0.0.2"], ["127.0.0.1"])
    url = f"http://rebinds.example:{port}/"
    session = guard.session(rules=lambda: rules)

    def status() -> int | None:
        if how == "task":
            return called(client, url, rules).status
        return session.get(url, timeout=5).status_code

    try:
        assert [status(), status()] == [200, 200], "the second is on a kept connection, whose name nobody asks for"
        assert names.server.asked["rebinds.example", A] == 1
        client.close()
        session.close()
        if how == "task":
            assert called(client, url, rules).failure == "forbidden"
        else:
            with pytest.raises(guard.ForbiddenAddress, match=r"127\.0\.0\.1"):
                status()
    finally:
        secret.stop(timeout=0)
    assert (len(outside), inside) == (1, [])
    assert {address[0] for address in tried} == {"127.0.0.2"}


@pytest.mark.parametrize("how", ["task", "guard"])
def test_of_several_addresses_only_the_allowed_ones_are_tried(
    serve: Serve, client: HttpClient, names: Names, tried: list[Any], how: str
) -> None:
    came: list[int] = []
    port = serve(counting(came), "127.0.0.2").port
    rules = parse_egress({"allow": ["127.0.0.2", "127.0.0.3"]})
    names.rebind("many.example", ["127.0.0.1", "::1", "127.0.0.3", "10.0.0.1", "127.0.0.2", "169.254.169.254"])
    url = f"http://many.example:{port}/"

    if how == "task":
        assert called(client, url, rules).status == 200
    else:
        assert guard.session(rules=lambda: rules).get(url, timeout=5).status_code == 200

    assert {address[0] for address in tried} <= {"127.0.0.2", "127.0.0.3"}
    assert len(came) == 1


def test_a_kept_connection_ends_with_the_rules_by_which_it_was_opened(serve: Serve, client: HttpClient) -> None:
    came: list[int] = []
    url = f"http://127.0.0.1:{serve(counting(came)).port}/"
    copied = parse_egress({"allow": ["127.0.0.0/8", "::1"]})

    assert [called(client, url, rules).status for rules in (HERE, HERE, copied)] == [200] * 3
    assert len(came) == 1, "rules that say the same keep it"
    assert called(client, url, NOWHERE).failure == "forbidden"
    assert called(client, url, HERE).status == 200
    assert len(came) == 2
