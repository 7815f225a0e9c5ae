"""A broker's Secret as the operator reads it; workers read the same (tests/unit/worker/rabbit/test_broker_files.py)."""

from collections.abc import Mapping

import pytest

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.sections.broker_secret import parse_broker, parse_pods_broker
from tests.harness.broker_secrets import BY_CERTIFICATE, HERE, READ, REFUSED, Read


def encoded(text: Mapping[str, str]) -> dict[str, bytes]:
    return {key: value.encode() for key, value in text.items()}


@pytest.mark.parametrize(("text", "read"), READ.values(), ids=READ)
def test_where_the_broker_is_and_whether_it_speaks_tls(text: dict[str, str], read: Read) -> None:
    found = parse_broker("rabbit", encoded(text))

    assert Read(found.host, found.port, found.vhost, tls=found.tls) == read
    assert (found.username, found.password) == ("u", "p")


@pytest.mark.parametrize(("text", "names"), REFUSED.values(), ids=REFUSED)
def test_a_secret_that_says_too_little_or_two_things_is_refused(text: dict[str, str], names: str) -> None:
    with pytest.raises(SecretInvalid, match=names):
        parse_broker("rabbit", encoded(text))
    with pytest.raises(SecretInvalid, match=names):
        parse_pods_broker("rabbit", encoded(text))


def test_a_client_certificate_alone_is_enough_for_pods_and_not_for_the_operator() -> None:
    """The management API asks for a password."""
    found = parse_pods_broker("rabbit", encoded(BY_CERTIFICATE))
    assert (found.username, found.password, found.tls) == ("", "", True)
    with pytest.raises(SecretInvalid, match=r"username, password.*workerSecretRef.*management API"):
        parse_broker("rabbit", encoded(BY_CERTIFICATE))


@pytest.mark.parametrize(
    ("more", "uri"),
    [
        ({}, "http://rabbit:15672"),
        ({"tls": "true"}, "https://rabbit:15671"),
        ({"port": "5671"}, "https://rabbit:15671"),
        ({"connection_string": "amqps://u:p@rabbit"}, "https://rabbit:15671"),
        ({"host": "fd00::1", "ca.crt": "PEM"}, "https://[fd00::1]:15671"),
        ({"ca.crt": "PEM", "management_uri": "http://rabbit:15672/"}, "http://rabbit:15672"),
    ],
)
def test_a_password_that_amqp_encrypts_is_not_sent_in_the_clear_to_the_management_api(
    more: dict[str, str], uri: str
) -> None:
    """Unless the Secret says so."""
    assert parse_broker("rabbit", encoded({**HERE, **more})).management_uri == uri


def test_certificates_and_keys_stay_out_of_what_is_printed() -> None:
    found = parse_broker("rabbit", encoded({**HERE, "ca.crt": "SEEN", "tls.crt": "SEEN", "tls.key": "SEEN"}))

    assert (found.ca, found.certificate, found.key) == ("SEEN", "SEEN", "SEEN")
    assert "SEEN" not in repr(found)
