"""The one way in which a route can be wrong that the API server could not see."""

from __future__ import annotations

from merchantroute_operator.errors import RouteError


class SpecInvalid(RouteError):
    """The route asks for something impossible; the message names the field, the value and the mend."""

    reason = "SpecInvalid"
