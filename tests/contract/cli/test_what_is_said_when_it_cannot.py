"""Whatever is in the way is told in one line that says what to do, and never the password."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from merchantroute_worker.cli.connection import connected
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.address import BrokerAddress
from tests.contract.cli.dead_letter_user import DEAD, DeadLetterUser
from tests.contract.cli.tls import Relay, tls_relay

NAME = "rabbitmq-pos.orders.svc"


def one_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "s3cr3t" not in line
    return line.removeprefix("Error: ")


def url(person: DeadLetterUser, *, user: str = "test", password: str = "test", vhost: str | None = None) -> str:
    return f"amqp://{user}:{password}@{person.vhost.host}:{person.vhost.port}/{vhost or person.vhost.name}"


@pytest.fixture
def stranger(person: DeadLetterUser) -> Iterator[str]:
    """A user of the broker who may do nothing but enter."""
    name = f"test-{uuid4().hex[:8]}"
    person.vhost.api("PUT", f"users/{name}", {"password": "s3cr3t", "tags": ""})
    person.vhost.api("PUT", f"permissions/{person.vhost.name}/{name}", {"configure": "", "write": "", "read": ""})
    yield name
    person.vhost.api("DELETE", f"users/{name}")


def test_a_wrong_password(person: DeadLetterUser) -> None:
    said = one_line(person.run("list", "--broker", url(person, password="s3cr3t")))

    assert said.endswith("refuses these credentials: check user and password")
    assert said.startswith(f"the broker test@{person.vhost.host}:{person.vhost.port}/{person.vhost.name} ")


def test_a_virtual_host_that_is_not_there(person: DeadLetterUser) -> None:
    said = one_line(person.run("list", "--broker", url(person, vhost="nowhere")))

    assert "does not let test into that virtual host: NOT_ALLOWED - vhost nowhere not found" in said


def test_a_route_that_has_no_dead_letters_there(person: DeadLetterUser) -> None:
    for command in (["list"], ["show", "o-1"], ["replay", "--yes"], ["drop", "--all", "--yes"]):
        said = one_line(person.run(*command, "--route", "orders/soup"))

        assert said.startswith("there is no queue mr.orders.soup.dead in this virtual host: is the route's name right")


def test_a_user_without_the_right_to_read(person: DeadLetterUser, stranger: str) -> None:
    person.bury(1)

    said = one_line(person.run("list", "--broker", url(person, user=stranger, password="s3cr3t")))

    assert said.startswith(f"the broker refuses {stranger} the rights that this needs: ACCESS_REFUSED")


def test_a_user_who_may_read_and_not_publish_replays_nothing(person: DeadLetterUser, stranger: str) -> None:
    person.bury(3)
    rights = {"configure": "", "write": "", "read": ".*"}
    person.vhost.api("PUT", f"permissions/{person.vhost.name}/{stranger}", rights)

    result = person.run("replay", "--yes", "--broker", url(person, user=stranger, password="s3cr3t"))

    assert result.exit_code == 1
    assert "after 0 letters replayed: the broker refuses" in result.stderr
    person.until_ready(3)


def test_a_queue_that_is_deleted_meanwhile(person: DeadLetterUser) -> None:
    person.bury(300)
    with person.process("replay", "--yes", "--rate", "5/s") as child:
        assert child.stdout
        child.stdout.readline()
        person.until_ready(0)
        person.vhost.api("DELETE", f"queues/{person.vhost.name}/{DEAD}")
        _, error = child.communicate(timeout=60)

    assert child.returncode == 1
    assert f"the queue {DEAD} was deleted meanwhile" in error


@pytest.fixture
def relay(person: DeadLetterUser, tmp_path: Path) -> Iterator[Relay]:
    """The broker behind TLS, certified as the cluster knows it, on 127.0.0.1 as a forwarded port is."""
    with tls_relay(tmp_path, NAME, person.vhost.host, person.vhost.port) as made:
        yield made


def address(person: DeadLetterUser, relay: Relay, *, ca: Path | None, certified: str | None) -> BrokerAddress:
    return BrokerAddress(
        host="127.0.0.1",
        port=relay.port,
        username="test",
        password="test",
        vhost=person.vhost.name,
        tls=True,
        ca=str(ca) if ca else None,
        certified_name=certified,
    )


def test_tls_is_checked_against_the_authority_and_the_secret_s_host(person: DeadLetterUser, relay: Relay) -> None:
    with connected(address(person, relay, ca=relay.ca, certified=NAME), "test") as connection:
        assert connection.connected


@pytest.mark.parametrize(("trusted", "name"), [(False, NAME), (True, "another.host"), (True, None)])
def test_tls_that_cannot_be_trusted_is_refused(
    person: DeadLetterUser, relay: Relay, trusted: bool, name: str | None
) -> None:
    where = address(person, relay, ca=relay.ca if trusted else None, certified=name)

    with pytest.raises(Problem, match=r"TLS with the broker .* failed: .*--ca"), connected(where, "test"):
        pass


def test_tls_to_a_port_that_speaks_none_is_told(person: DeadLetterUser, relay: Relay) -> None:
    plain = f"amqps://test:s3cr3t@{person.vhost.host}:{person.vhost.port}/{person.vhost.name}"

    said = one_line(person.run("list", "--broker", plain, "--ca", str(relay.ca)))

    assert said.startswith("TLS with the broker")
