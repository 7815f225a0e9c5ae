"""Which connections the HTTP client keeps, replaces and closes, in a process patched as production is."""

from collections.abc import Callable
from typing import Any

import gevent
import gevent.event
import pytest
from gevent.server import StreamServer

from merchantroute_kit.waiting import until
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import Origin
from tests.worker.patched.raw_merchant import GOOD, HERE, SOON, Handler, Serve, call


def test_connections_are_kept_and_a_time_out_costs_one(serve: Serve, client: HttpClient) -> None:
    connections: list[int] = []
    hang = [False]

    def handler(sock: Any) -> None:
        connections.append(1)
        while sock.recv(65536):
            if hang[0]:
                gevent.sleep(3600)
            sock.sendall(GOOD)

    origin = serve(handler)
    assert [call(client, origin).status for _ in range(5)] == [200] * 5
    assert len(connections) == 1

    hang[0] = True
    assert call(client, origin, within=SOON).failure == "timeout"
    hang[0] = False

    assert call(client, origin).status == 200
    assert len(connections) == 2


def dying(seen: list[bytes], then: Callable[[], None] = lambda: None) -> Handler:
    """Answer the first request; read the second one on its connection, and close that without a byte of an answer."""

    def handler(sock: Any) -> None:
        while data := sock.recv(65536):
            seen.append(data)
            if len(seen) == 2:
                then()
                return
            sock.sendall(GOOD)

    return handler


def test_a_request_that_the_merchant_may_have_read_is_not_sent_again(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    origin = serve(dying(seen))
    assert call(client, origin, "POST").status == 200

    answer = call(client, origin, "POST")

    assert answer.leaves_doubt
    assert (answer.failure, len(seen)) == ("reset", 2)
    assert call(client, origin, "POST").status == 200


def test_a_repeatable_request_is_sent_once_more_after_a_kept_connection(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    origin = serve(dying(seen))

    assert [call(client, origin, repeatable=True).status for _ in range(2)] == [200, 200]
    assert len(seen) == 3


def test_what_was_sent_leaves_doubt_also_when_sending_it_again_reaches_nobody(client: HttpClient) -> None:
    seen: list[bytes] = []
    server: StreamServer = StreamServer(("127.0.0.1", 0), lambda sock, _: dying(seen, server.close)(sock))
    server.start()
    origin = Origin(scheme="http", host="127.0.0.1", port=server.server_port)
    assert call(client, origin).status == 200

    answer = call(client, origin, repeatable=True)

    assert (answer.failure, answer.leaves_doubt, len(seen)) == ("reset", True, 2)


def test_a_kept_connection_that_is_known_to_be_closed_is_replaced(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    closed = gevent.event.Event()

    def handler(sock: Any) -> None:
        seen.append(sock.recv(65536))
        sock.sendall(GOOD)
        sock.close()
        closed.set()

    origin = serve(handler)
    for _ in range(2):
        closed.clear()
        assert call(client, origin, "POST").status == 200
        assert closed.wait(10)

    assert len(seen) == 2


def test_a_merchant_that_closed_all_its_kept_connections_is_called_on_a_new_one(serve: Serve) -> None:
    client = HttpClient(3)
    close, together = gevent.event.Event(), gevent.event.Event()
    first: list[int] = []

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            if len(first) < 3:
                first.append(1)
                together.wait(10)
                sock.sendall(GOOD)
                close.wait(10)
                return
            sock.sendall(GOOD)

    origin = serve(handler)
    calls = [gevent.spawn(call, client, origin, "POST") for _ in range(3)]
    until(lambda: len(first) == 3, "three connections")
    together.set()
    assert [one.get(10).status for one in calls] == [200] * 3

    close.set()

    assert call(client, origin, repeatable=True).status == 200
    client.close()


def test_a_merchant_that_always_closes_gets_each_request_once(serve: Serve, client: HttpClient) -> None:
    requests: list[int] = []

    def handler(sock: Any) -> None:
        sock.recv(65536)
        requests.append(1)

    assert call(client, serve(handler)).failure == "reset"
    assert len(requests) == 1


def test_idle_pools_are_closed(serve: Serve) -> None:
    now = [0.0]
    closed: list[int] = []

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            sock.sendall(GOOD)
        closed.append(1)

    client = HttpClient(2, clock=lambda: now[0])
    call(client, serve(handler))
    now[0] = 61.0
    client.reap()

    with gevent.Timeout(10):
        while not closed:
            gevent.sleep(0.01)


def burst(client: HttpClient, origin: Origin, meet: gevent.event.Event, count: int) -> None:
    """So many calls at once, each on a connection of its own."""
    meet.clear()
    calls = [gevent.spawn(call, client, origin, "POST") for _ in range(count)]
    gevent.sleep(0.1)
    meet.set()
    assert [one.get(10).status for one in calls] == [200] * count


def test_connections_that_a_busy_merchant_does_not_need_are_closed(serve: Serve) -> None:
    now, meet, closed = [0.0], gevent.event.Event(), [0]

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            meet.wait(10)
            sock.sendall(GOOD)
        closed[0] += 1

    client = HttpClient(5, clock=lambda: now[0])
    origin = serve(handler)
    burst(client, origin, meet, 5)
    for _ in range(4):
        now[0] += 15.0
        assert call(client, origin, "POST").status == 200
        client.reap()

    until(lambda: closed[0] == 4, "four connections closed by their age")
    assert len(client._pools.pool(origin, HERE).idle) == 1
    client.close()


def test_connections_that_the_merchant_closed_are_let_go_of(serve: Serve) -> None:
    meet, end = gevent.event.Event(), gevent.event.Event()

    def handler(sock: Any) -> None:
        sock.recv(65536)
        meet.wait(10)
        sock.sendall(GOOD)
        end.wait(10)

    client = HttpClient(5)
    origin = serve(handler)
    burst(client, origin, meet, 5)
    idle = client._pools.pool(origin, HERE).idle
    assert len(idle) == 5
    end.set()

    def let_go() -> bool:
        client.reap()
        return not idle

    until(let_go, "five half-closed connections let go of")


def closing_after(answers: int, closed: gevent.event.Event) -> Handler:
    """Keep the connection open for so many answers; close it without a word after each one from then on."""
    given = [0]

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            given[0] += 1
            last = given[0] > answers
            sock.sendall(GOOD)
            if last:
                sock.close()
                closed.set()
                return

    return handler


@pytest.mark.parametrize(("idle", "lost"), [(0.0, 1), (0.1, 0)], ids=["used just now", "idle for a moment"])
def test_a_merchant_that_begins_to_close_its_connections_costs_one_call_at_most(
    serve: Serve, idle: float, lost: int
) -> None:
    now, closed = [0.0], gevent.event.Event()
    client = HttpClient(2, clock=lambda: now[0])
    origin = serve(closing_after(150, closed))
    answers = [call(client, origin, "POST") for _ in range(150)]
    for _ in range(5):
        closed.clear()
        answers.append(call(client, origin, "POST"))
        assert answers[-1].failure or closed.wait(10)
        now[0] += idle

    assert [answer.failure for answer in answers if answer.failure] == ["reset"] * lost
    client.close()
