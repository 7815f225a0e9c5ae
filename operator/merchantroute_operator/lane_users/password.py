"""Passwords of lanes' users: made at random, and compared with the broker's hash so that none is sent over the network.

RabbitMQ's hash [rabbit_password_hashing_sha256] is the base64 of four bytes of salt and SHA-256 of salt and password.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256

HASHING = "rabbit_password_hashing_sha256"
_BYTES = 32  # of randomness
_SALT = 4
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_password() -> str:
    """Another password: 256 random bits, as 43 letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(_BYTES)


def is_generated(text: str) -> bool:
    """Whether ``text`` may be a password of ``new_password``: what somebody wrote in its place may be weak."""
    return _FORM.fullmatch(text) is not None


def hashed(password: str, salt: bytes | None = None) -> str:
    """What RabbitMQ stores of ``password``; with a salt of its own where none is given."""
    salt = secrets.token_bytes(_SALT) if salt is None else salt
    return b64encode(salt + sha256(salt + password.encode()).digest()).decode()


def matches(password: str, password_hash: str) -> bool:
    """Whether this is the password that ``password_hash`` was made of."""
    try:
        salt = b64decode(password_hash, validate=True)[:_SALT]
    except ValueError:
        return False
    return hmac.compare_digest(hashed(password, salt), password_hash)
