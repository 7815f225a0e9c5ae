"""The error of an invalid spec that the API server's schema could not refuse."""

from __future__ import annotations

from merchantroute_operator.errors import RouteError


class SpecInvalid(RouteError):
    """The route asks for something impossible; the message names the field, the value and the remedy."""

    reason = "SpecInvalid"
