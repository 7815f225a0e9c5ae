"""TLS to a broker: with the Secret's own CA where it has one."""

from __future__ import annotations

import ssl

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress


def context(address: BrokerAddress) -> ssl.SSLContext:
    """Verifies the broker against ``ca.crt``, or the system's CAs. Raises ``SecretInvalid`` for what is no PEM."""
    try:
        made = ssl.create_default_context(cadata=address.ca)
    except (ssl.SSLError, ValueError, TypeError):  # TypeError: it is not ASCII
        raise SecretInvalid("the broker's Secret: ca.crt holds no certificate in PEM format") from None
    # From Python 3.13 on the default: certificates must hold key identifiers. py-amqp, in workers, never asks for it.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made
