"""A broker's Secret as workers read it, mounted; the operator reads the same
(tests/unit/operator/spec/test_broker_secrets.py).
"""

import ssl
from pathlib import Path

import pytest

from merchantroute_worker.rabbit.address import AddressError, BrokerAddress, BrokerFilesError
from tests.harness.broker_secrets import BY_CERTIFICATE, HERE, READ, REFUSED, Read


def mounted(folder: Path, text: dict[str, str]) -> Path:
    for key, value in text.items():
        (folder / key).write_text(value)
    return folder


@pytest.mark.parametrize(("text", "read"), READ.values(), ids=READ)
def test_where_the_broker_is_and_whether_it_speaks_tls(text: dict[str, str], read: Read, tmp_path: Path) -> None:
    in_files = BrokerAddress.from_files(mounted(tmp_path, text))
    in_secret = BrokerAddress.from_secret({key: value.encode() for key, value in text.items()})

    for found in (in_files, in_secret):
        assert Read(found.host, found.port, found.vhost, tls=found.tls) == read
        assert (found.username, found.password) == ("u", "p")


@pytest.mark.parametrize(("text", "names"), REFUSED.values(), ids=REFUSED)
def test_a_secret_that_says_too_little_or_two_things_is_refused(
    text: dict[str, str], names: str, tmp_path: Path
) -> None:
    with pytest.raises(BrokerFilesError, match=names) as caught:
        BrokerAddress.from_files(mounted(tmp_path, text))
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(AddressError, match=names):
        BrokerAddress.from_secret({key: value.encode() for key, value in text.items()})


def test_a_client_certificate_alone_logs_in(tmp_path: Path) -> None:
    found = BrokerAddress.from_files(mounted(tmp_path, BY_CERTIFICATE))

    assert found.login() == {"userid": "", "password": "", "login_method": "EXTERNAL"}
    assert str(found) == "(client certificate)@rabbit:5671/"
    assert found.certificate == f"{tmp_path}/tls.crt"


def test_a_user_beside_a_client_certificate_logs_in_by_password(tmp_path: Path) -> None:
    found = BrokerAddress.from_files(mounted(tmp_path, {**BY_CERTIFICATE, "username": "u", "password": "p"}))

    assert found.login() == {"userid": "u", "password": "p", "login_method": "PLAIN"}


def test_the_broker_is_checked_and_shown_what_the_secret_holds(tmp_path: Path) -> None:
    with_all = mounted(tmp_path, {**HERE, "ca.crt": "PEM", "tls.crt": "PEM", "tls.key": "PEM"})

    assert BrokerAddress.from_files(with_all).ssl() == {
        "ca_certs": f"{with_all}/ca.crt",
        "certfile": f"{with_all}/tls.crt",
        "keyfile": f"{with_all}/tls.key",
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": "rabbit",
    }


def test_without_a_ca_the_systems_authorities_count(tmp_path: Path) -> None:
    asked = BrokerAddress.from_files(mounted(tmp_path, {**HERE, "tls": "true"})).ssl()

    assert asked == {"ca_certs": None, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "rabbit"}


def test_a_secrets_certificates_become_files_for_a_command(tmp_path: Path) -> None:
    text = {**HERE, "ca.crt": "CA", "tls.crt": "SHOWN", "tls.key": "KEY"}
    address = BrokerAddress.from_secret({key: value.encode() for key, value in text.items()}).with_files(tmp_path)

    assert address.ca is not None
    assert address.certificate is not None
    assert address.key is not None
    assert [Path(each).read_text() for each in (address.ca, address.certificate, address.key)] == ["CA", "SHOWN", "KEY"]
    assert "KEY" not in repr(address)
