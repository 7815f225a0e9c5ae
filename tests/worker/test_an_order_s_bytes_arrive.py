"""A merchant gets the bytes that the producer wrote, also after the ladder and after a replay."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_worker.cli.main import main

NUMBERS = r'"total": 19.90, "exact":0.1234567890123456789,"n" : 1E5, "z":-0, "a":1, "a":2'
ORDER = f'{{{NUMBERS}, "e":"\\u00e9\\/", "ラーメン":"🍜"}}'.encode()


class Merchant(ThreadingHTTPServer):
    """A merchant that keeps what it is sent. It has `troubles` calls of trouble before it is well."""

    daemon_threads = True

    def __init__(self, troubles: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.troubles, self.bodies = troubles, list[bytes]()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Merchant

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.troubles -= 1
        self.send_response(408 if self.server.troubles >= 0 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    """One in trouble for as many calls as the order has attempts."""
    with Merchant(troubles=3) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_bytes_are_the_producer_s_after_retries_and_a_replay(lane: LocalLane, merchant: Merchant) -> None:
    lane.limits = {"maxAttempts": 3}
    lane.known["noodles"] = {"endpoint": merchant.endpoint}
    lane.configure()
    lane.work().ready()
    body = b'[ [], {"order" : ' + ORDER + b'}, {"chain":null} ]'
    lane.publish("noodles", f"{lane.run}-a", body=body)
    until(lambda: lane.channel.queue_declare(topology.DEAD, passive=True).message_count == 1, "a dead letter")
    merchant.troubles = 1

    env = {"MR_BROKER": lane.vhost.amqp_url, "MR_ROUTE": f"{topology.NAMESPACE}/{topology.ROUTE}"}
    result = CliRunner(env=env).invoke(main, ["dead", "replay", "--yes", "--rate", "max"], catch_exceptions=False)

    assert result.exit_code == 0, result.output
    lane.until_done([f"{lane.run}-a"])
    assert len(merchant.bodies) >= 3 + 1 + 2
    assert {*merchant.bodies} == {ORDER}
