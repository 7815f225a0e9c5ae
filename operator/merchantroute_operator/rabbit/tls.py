"""TLS to a broker: by the Secret's own authority and client certificate where it has them; failures in words."""

from __future__ import annotations

import os
import ssl

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.tls_errors import tls_error

_NAME, _TIME = (62, 64), (9, 10)  # OpenSSL's codes (X509_V_ERR_…): another name or address; not yet or no longer valid
_PLAIN = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


def context(address: BrokerAddress) -> ssl.SSLContext:
    """Verifies the broker against ``ca.crt``, or the system's CAs, and shows it ``tls.crt`` if it asks.

    Raises ``SecretInvalid`` for what is no PEM, and for a key that is not the certificate's.
    """
    try:
        made = ssl.create_default_context(cadata=address.ca)
    except (ssl.SSLError, ValueError, TypeError):  # TypeError: it is not ASCII
        raise SecretInvalid("the broker's Secret: ca.crt holds no certificate in PEM format") from None
    # From Python 3.13 on the default: certificates must hold key identifiers. py-amqp, in workers, never asks for it.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if address.certificate is not None:
        _show(made, f"{address.certificate}\n{address.key}\n")
    return made


def _show(made: ssl.SSLContext, certificate_and_key: str) -> None:
    """``ssl`` reads them from a file alone. This one is in memory: the container's own file system is read-only."""
    with os.fdopen(os.memfd_create("client-certificate", os.MFD_CLOEXEC), "wb") as file:
        file.write(certificate_and_key.encode())
        file.flush()
        try:
            # A key with a passphrase would have OpenSSL ask the terminal for it; an empty one is refused.
            made.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
        except (ssl.SSLError, ValueError):
            raise SecretInvalid(
                "the broker's Secret: tls.crt and tls.key are not a certificate and its key, in PEM format and without "
                "a passphrase"
            ) from None


def tls_failure(error: BaseException) -> str:
    """What failed in TLS and what to do, as the end of a sentence; empty where ``error`` has another cause."""
    found = tls_error(error)
    if found is None:
        return ""
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted, {found.verify_message}: {_remedy(found.verify_code)}"
    reason = found.reason or type(found).__name__
    if reason in _PLAIN:
        return "it speaks no TLS: is that the right port (AMQP's is 5671, the management API's 15671)?"
    if "ALERT" in reason:
        return (
            f"it refuses the operator's side of TLS ({reason}): if it asks for a client certificate, write one into "
            "the Secret's keys tls.crt and tls.key, signed by an authority that the broker trusts"
        )
    return f"TLS fails ({reason})"


def _remedy(code: int) -> str:
    if code in _NAME:
        return "write a name that it bears into the Secret's host, or management_uri"
    if code in _TIME:
        return "renew it"
    return "write the authority that signed it into the Secret's key ca.crt"
