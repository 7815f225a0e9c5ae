"""The route of a command, and the broker's address from a URL or a Secret."""

import pytest

from merchantroute_worker.cli.addresses import from_secret, from_url, route, service
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import refuse_policy

SECRET = {"host": b"rabbit.orders.svc", "port": b"5672\n", "username": b"pos", "password": b"s3cr3t"}


@pytest.mark.parametrize(("text", "of"), [("orders/pos", None), ("pos", "orders"), ("orders/pos", "orders")])
def test_a_route_is_named_as_kubectl_users_do(text: str, of: str | None) -> None:
    found = route(text, of)

    assert (str(found), found.exchange, found.dead_queue) == ("orders/pos", "mr.orders.pos", "mr.orders.pos.dead")


@pytest.mark.parametrize(
    ("text", "of", "said"),
    [
        (None, "orders", "which route"),
        ("", None, "which route"),
        ("pos", None, "in which namespace"),
        ("orders/pos", "shop", "which one"),
        ("orders/", None, "'' is no name"),
        ("orders/pos/dead", None, "'pos/dead' is no name"),
        ("Orders/pos", None, "'Orders' is no name"),
        ("orders/pos.dead", None, "'pos.dead' is no name"),
    ],
)
def test_a_route_that_cannot_be_is_answered_with_what_to_say(text: str, of: str | None, said: str) -> None:
    with pytest.raises(Problem, match=said):
        route(text, of)


def test_a_broker_s_url_says_all_there_is() -> None:
    found = from_url("amqps://p%40s:s3cr%2Ft@rabbit.example:5999/pos%2Feu", "/ca.crt")

    assert (found.host, found.port, found.vhost, found.username) == ("rabbit.example", 5999, "pos/eu", "p@s")
    assert (found.password, found.tls, found.ca) == ("s3cr/t", True, "/ca.crt")


@pytest.mark.parametrize(
    ("url", "port", "host", "user"),
    [
        ("amqp://u:p@h", 5672, "/", "u"),
        ("amqp://u:p@h/", 5672, "/", "u"),
        ("amqp://u:p@h/%2F", 5672, "/", "u"),
        ("amqps://u:p@h/pos", 5671, "pos", "u"),
        ("amqp://h", 5672, "/", "guest"),
    ],
)
def test_what_a_broker_s_url_leaves_out_has_its_default(url: str, port: int, host: str, user: str) -> None:
    found = from_url(url, None)

    assert (found.port, found.vhost, found.username) == (port, host, user)


@pytest.mark.parametrize(
    ("url", "ca"),
    [
        ("http://u:s3cr3t@h", None),
        ("u:s3cr3t@h", None),
        ("amqp://u:s3cr3t@h:port", None),
        ("amqp://u:s3cr3t@[h", None),
        ("amqp://u:s3cr3t@", None),
        ("amqp://u:s3cr3t@h/a/b", None),
        ("amqp://u:s3cr3t@h", "/ca.crt"),
    ],
)
def test_a_wrong_url_is_answered_without_its_password(url: str, ca: str | None) -> None:
    with pytest.raises(Problem) as problem:
        from_url(url, ca)

    assert "s3cr3t" not in problem.value.message
    assert problem.value.__cause__ is None


def test_a_secret_says_where_the_broker_is() -> None:
    found = from_secret("orders/pos", SECRET, None)

    assert (found.host, found.port, found.vhost, found.tls) == ("rabbit.orders.svc", 5672, "/", False)
    assert "s3cr3t" not in f"{found} {found!r}"


def test_a_secret_with_an_authority_means_tls() -> None:
    data = {**SECRET, "ca.crt": b"-----BEGIN CERTIFICATE-----", "vhost": b"pos"}
    by_secret, by_option = from_secret("orders/pos", data, None), from_secret("orders/pos", data, "/ca.crt")

    assert (by_secret.tls, by_secret.vhost) == (True, "pos")
    assert by_secret.pem == {"ca.crt": "-----BEGIN CERTIFICATE-----"}
    assert (by_option.tls, by_option.ca, by_option.pem) == (True, "/ca.crt", {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": b""}, "lacks password"),
        ({"host": b" "}, "lacks host"),
        ({"port": b"amqp"}, "a port that is not a number"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named(change: dict[str, bytes], said: str) -> None:
    with pytest.raises(Problem, match=f"orders/pos.*{said}"):
        from_secret("orders/pos", {**SECRET, **change}, None)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("rabbit", ("here", "rabbit")),
        ("rabbit.orders", ("orders", "rabbit")),
        ("rabbit.orders.svc", ("orders", "rabbit")),
        ("rabbit.orders.svc.cluster.local", ("orders", "rabbit")),
        ("rabbit.example.com", None),
        ("10.0.0.7", None),
        ("::1", None),
        ("Rabbit", None),
    ],
)
def test_a_host_may_be_the_name_of_a_service(host: str, found: tuple[str, str] | None) -> None:
    assert service(host, "here") == found


def test_a_policy_that_may_delete_what_is_looked_at_is_told_before_anything_is() -> None:
    said = {"type": "Drifted", "status": "True", "message": "Policy lim matches mr.orders.pos.dead"}

    with pytest.raises(Problem, match=r"^Policy lim matches .*delivery-limit.* say --despite-policy$"):
        refuse_policy({"status": {"conditions": [said]}})
    refuse_policy({"status": {"conditions": [{**said, "status": "False"}]}})
    refuse_policy({})
