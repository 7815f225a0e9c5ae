"""The client in the servers it is imported by: prefork ones, and ones that have TLS to the broker."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from merchantroute_kit.waiting import PATIENCE
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client, NotSafe
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute
from tests.contract.client.relay import Relay

ROOT = Path(__file__).resolve().parents[3]
PREFORK = """
import json, os, sys, threading
from merchantroute_worker.client import Client

client = Client(broker=sys.argv[1], route=sys.argv[2], within=60)


def publish(name):
    return client.publish({}, merchant="bistro", order_id=name).attempts


attempts = [publish("parent-1")]
busy = [threading.Thread(target=lambda: [publish(f"meanwhile-{n}") for n in range(50)]) for _ in range(2)]
for thread in busy:
    thread.start()
children = []
for child in range(3):
    children.append(os.fork())
    if children[-1] == 0:
        fine = [publish(f"child-{child}-{n}") for n in range(3)] == [1, 1, 1]
        sys.exit(0 if fine else 1)
for thread in busy:
    thread.join()
attempts.append(publish("parent-2"))
ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
attempts.append(publish("parent-3"))
print(json.dumps({"attempts": attempts, "ended": ended}))
"""
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"
IMPORTS = """
import socket, sys, threading
before = socket.socket, threading.Thread, threading.active_count()
import merchantroute_worker.client
assert not [name for name in sys.modules if name.split(".")[0] in ("gevent", "eventlet", "celery", "kombu")]
assert before == (socket.socket, threading.Thread, threading.active_count())
"""


def run(*arguments: str) -> str:
    """A Python of its own."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "worker")},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_importing_it_starts_patches_and_needs_nothing() -> None:
    run("-c", IMPORTS)


@pytest.mark.parametrize("first", ["", PATCH], ids=["threads", "gevent"])
def test_children_of_a_fork_open_connections_of_their_own_and_leave_the_parents_alone(
    place: BrokerWithRoute, relay: Callable[..., Relay], first: str
) -> None:
    between = relay()

    # Python 3.12 warns of a fork beside threads; that is what the test is about.
    said = json.loads(run("-W", "ignore::DeprecationWarning", "-c", first + PREFORK, place.url(between.port), ROUTE))

    assert said == {"attempts": [1, 1, 1], "ended": [0, 0, 0]}
    assert between.accepted == 4
    ids = {arrived.properties["correlation_id"] for arrived in place.arrived()}
    assert {f"child-{child}-{n}" for child in range(3) for n in range(3)} <= ids
    assert {"parent-1", "parent-2", "parent-3", "meanwhile-49"} <= ids


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Key and self-signed certificate for localhost."""
    key, made = tmp_path / "key.pem", tmp_path / "ca.crt"
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        *named,
        "-keyout",
        str(key),
        "-out",
        str(made),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return key, made


@pytest.fixture
def tls_port(relay: Callable[..., Relay], certificate: tuple[Path, Path]) -> int:
    """A relay that speaks TLS with its clients."""
    key, made = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return relay(tls=context).port


def test_tls_with_an_authority_of_ones_own(
    place: BrokerWithRoute, tls_port: int, certificate: tuple[Path, Path]
) -> None:
    vhost = place.vhost
    url = f"amqps://{vhost.username}:{vhost.password}@localhost:{tls_port}/{vhost.name}"
    orders = [{"id": str(number), "merchant": "bistro", "note": "x" * 3000} for number in range(500)]

    with Client(broker=url, route=ROUTE, ca=certificate[1]) as client:
        client.publish_many(orders, within=60)

    assert [arrived.order for arrived in place.arrived()] == orders


def test_all_that_one_tls_record_holds_is_read(
    bare: BrokerWithRoute, tls_port: int, certificate: tuple[Path, Path]
) -> None:
    with bare.channel() as channel:
        channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
    url = f"amqps://{bare.vhost.username}:{bare.vhost.password}@localhost:{tls_port}/{bare.vhost.name}"

    # Return and confirm are four frames, which the broker sends in one go.
    with Client(broker=url, route=ROUTE, ca=certificate[1]) as client, pytest.raises(NotSafe, match="unroutable"):
        client.publish({}, merchant="bistro", order_id="x", within=3.0)


def test_a_certificate_that_nobody_vouches_for_is_refused(place: BrokerWithRoute, tls_port: int) -> None:
    vhost = place.vhost
    url = f"amqps://{vhost.username}:{vhost.password}@localhost:{tls_port}/{vhost.name}"

    with Client(broker=url, route=ROUTE) as client, pytest.raises(NotSafe, match="CERTIFICATE_VERIFY_FAILED") as said:
        client.publish({}, merchant="bistro", order_id="x", within=1.0)

    assert (said.value.may_have_arrived, said.value.attempts) == (False, 0)


def test_a_certificate_for_another_name_is_refused(
    place: BrokerWithRoute, tls_port: int, certificate: tuple[Path, Path]
) -> None:
    vhost = place.vhost
    url = f"amqps://{vhost.username}:{vhost.password}@127.0.0.1:{tls_port}/{vhost.name}"

    with Client(broker=url, route=ROUTE, ca=certificate[1]) as client, pytest.raises(NotSafe, match="mismatch") as said:
        client.publish({}, merchant="bistro", order_id="x", within=1.0)

    assert not said.value.may_have_arrived
    assert topology.FRONT not in said.value.problem
