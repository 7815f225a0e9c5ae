"""Whatever is in the way is told in one line that says what to do, and never the password."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.address import BrokerAddress
from tests.contract.cli.desk import DEAD, Desk
from tests.contract.cli.tls import Relay, tls_relay

NAME = "rabbitmq-pos.orders.svc"


def one_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "s3cr3t" not in line
    return line.removeprefix("Error: ")


def url(desk: Desk, *, user: str = "test", password: str = "test", vhost: str | None = None) -> str:
    return f"amqp://{user}:{password}@{desk.vhost.host}:{desk.vhost.port}/{vhost or desk.vhost.name}"


@pytest.fixture
def stranger(desk: Desk) -> Iterator[str]:
    """A user of the broker who may do nothing but enter."""
    name = f"test-{uuid4().hex[:8]}"
    desk.vhost.api("PUT", f"users/{name}", {"password": "s3cr3t", "tags": ""})
    desk.vhost.api("PUT", f"permissions/{desk.vhost.name}/{name}", {"configure": "", "write": "", "read": ""})
    yield name
    desk.vhost.api("DELETE", f"users/{name}")


def test_a_wrong_password(desk: Desk) -> None:
    said = one_line(desk.run("list", "--broker", url(desk, password="s3cr3t")))

    assert said.endswith("refuses these credentials: check user and password")
    assert said.startswith(f"the broker test@{desk.vhost.host}:{desk.vhost.port}/{desk.vhost.name} ")


def test_a_virtual_host_that_is_not_there(desk: Desk) -> None:
    said = one_line(desk.run("list", "--broker", url(desk, vhost="nowhere")))

    assert "does not let test into that virtual host: NOT_ALLOWED - vhost nowhere not found" in said


def test_a_route_that_has_no_dead_letters_there(desk: Desk) -> None:
    for command in (["list"], ["show", "o-1"], ["replay", "--yes"], ["drop", "--all", "--yes"]):
        said = one_line(desk.run(*command, "--route", "orders/soup"))

        assert said.startswith("there is no queue mr.orders.soup.dead in this virtual host: is the route's name right")


def test_a_user_without_the_right_to_read(desk: Desk, stranger: str) -> None:
    desk.bury(1)

    said = one_line(desk.run("list", "--broker", url(desk, user=stranger, password="s3cr3t")))

    assert said.startswith(f"the broker refuses {stranger} the rights that this needs: ACCESS_REFUSED")


def test_a_user_who_may_read_and_not_publish_replays_nothing(desk: Desk, stranger: str) -> None:
    desk.bury(3)
    rights = {"configure": "", "write": "", "read": ".*"}
    desk.vhost.api("PUT", f"permissions/{desk.vhost.name}/{stranger}", rights)

    result = desk.run("replay", "--yes", "--broker", url(desk, user=stranger, password="s3cr3t"))

    assert result.exit_code == 1
    assert "after 0 letters replayed: the broker refuses" in result.stderr
    desk.until_ready(3)


def test_a_queue_that_is_deleted_meanwhile(desk: Desk) -> None:
    desk.bury(300)
    with desk.process("replay", "--yes", "--rate", "5/s") as child:
        assert child.stdout
        child.stdout.readline()
        desk.until_ready(0)
        desk.vhost.api("DELETE", f"queues/{desk.vhost.name}/{DEAD}")
        _, error = child.communicate(timeout=60)

    assert child.returncode == 1
    assert f"the queue {DEAD} was deleted meanwhile" in error


@pytest.fixture
def relay(desk: Desk, tmp_path: Path) -> Iterator[Relay]:
    """The broker behind TLS, certified as the cluster knows it, on 127.0.0.1 as a forwarded port is."""
    with tls_relay(tmp_path, NAME, desk.vhost.host, desk.vhost.port) as made:
        yield made


def address(desk: Desk, relay: Relay, *, ca: Path | None, certified: str | None) -> BrokerAddress:
    return BrokerAddress(
        host="127.0.0.1",
        port=relay.port,
        username="test",
        password="test",
        vhost=desk.vhost.name,
        tls=True,
        ca=str(ca) if ca else None,
        certified_name=certified,
    )


def test_tls_is_checked_against_the_authority_and_the_secret_s_host(desk: Desk, relay: Relay) -> None:
    with connected(address(desk, relay, ca=relay.ca, certified=NAME), "test") as connection:
        assert connection.connected


@pytest.mark.parametrize(("trusted", "name"), [(False, NAME), (True, "another.host"), (True, None)])
def test_tls_that_cannot_be_trusted_is_refused(desk: Desk, relay: Relay, trusted: bool, name: str | None) -> None:
    where = address(desk, relay, ca=relay.ca if trusted else None, certified=name)

    with pytest.raises(Problem, match=r"TLS with the broker .* failed: .*--ca"), connected(where, "test"):
        pass


def test_tls_to_a_port_that_speaks_none_is_told(desk: Desk, relay: Relay) -> None:
    plain = f"amqps://test:s3cr3t@{desk.vhost.host}:{desk.vhost.port}/{desk.vhost.name}"

    said = one_line(desk.run("list", "--broker", plain, "--ca", str(relay.ca)))

    assert said.startswith("TLS with the broker")
