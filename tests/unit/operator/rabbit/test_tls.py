"""What the operator asks of a broker's certificate is what workers ask of it."""

import ssl
from typing import Any

import pytest

from merchantroute_operator.rabbit.tls import context
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

ADDRESS = BrokerAddress(
    host="rabbit", port=5671, username="u", password="p", vhost="/", management_uri="https://rabbit:15671"
)


def test_a_certificate_needs_no_key_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13's own contexts ask for them: its flags are set here whatever Python this is."""
    usual = ssl.create_default_context

    def of_python_3_13(**options: Any) -> ssl.SSLContext:
        made = usual(**options)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(ssl, "create_default_context", of_python_3_13)

    made = context(ADDRESS)

    assert not made.verify_flags & ssl.VERIFY_X509_STRICT
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert made.check_hostname
