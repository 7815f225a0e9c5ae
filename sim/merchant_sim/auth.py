"""What a merchant asks its callers to prove: a bearer token, a user and password, or a header."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Auth:
    """The header that must be there, and its exact value. `type` is Bearer, Basic or Header."""

    type: str
    header: str
    value: str = field(repr=False)

    @classmethod
    def parse(cls, body: object) -> Self | None:
        """Read it from JSON; null takes the demand away. ValueError says what is missing.

        {"type": "Bearer", "token"} | {"type": "Basic", "username", "password"} | {"type": "Header", "name", "value"}
        """
        if body is None:
            return None
        match body:
            case {"type": "Bearer", "token": str(token)}:
                return cls("Bearer", "Authorization", f"Bearer {token}")
            case {"type": "Basic", "username": str(user), "password": str(password)}:
                pair = base64.b64encode(f"{user}:{password}".encode()).decode()
                return cls("Basic", "Authorization", f"Basic {pair}")
            case {"type": "Header", "name": str(name), "value": str(value)}:
                return cls("Header", name, value)
        raise ValueError("auth: need Bearer (token), Basic (username, password) or Header (name, value)")

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers may come in."""
        return hmac.compare_digest(headers.get(self.header, "").encode(), self.value.encode())
