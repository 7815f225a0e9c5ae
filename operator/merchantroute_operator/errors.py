"""Errors of the Kubernetes and RabbitMQ ports, named so that one place turns each into a condition with a remedy.

A message may end in a condition, an event or a log line that users read: it names the object and the remedy, and it
never carries a credential. Source of the codes: the RabbitMQ management API and the Kubernetes API conventions.
"""

from __future__ import annotations

PACKAGE = __name__.partition(".")[0]


MAY_PASS = 60.0  # seconds: five tries or so


class RouteError(Exception):
    """A pass cannot go on; ``reason`` is the CamelCase reason of the condition, ``str(error)`` its message."""

    reason = "Error"
    retry_after: float = 0.0  # seconds for which whoever raised it asks to be left alone
    patience: float = 0.0  # seconds for which it may pass by itself: until then the status stays as it was


class SecretMissing(RouteError):
    """A Secret that the route names does not exist."""

    reason = "SecretMissing"


class SecretInvalid(RouteError):
    """A Secret is there, but lacks a key or the label that allows its use."""

    reason = "SecretInvalid"


class BrokerError(RouteError):
    """The broker did not do what was asked."""

    reason = "BrokerError"
    patience = MAY_PASS


class BrokerUnreachable(BrokerError):
    """Neither AMQP nor the management API answers at the Secret's address."""

    reason = "BrokerUnreachable"


class BrokerNotAllowed(BrokerError):
    """The operator's own configuration does not let it connect to where the Secret leads."""

    reason = "BrokerNotAllowed"
    patience = 0.0


class AmqpUnreachable(BrokerUnreachable):
    """Nothing accepts AMQP connections at the Secret's address: no order flows for as long as that holds."""

    patience = 5.0


class BrokerTLSFailed(BrokerUnreachable):
    """Something answers at the Secret's address, but it and the operator do not agree on TLS."""


class BrokerRefusedCredentials(BrokerError):
    """The broker answered 401 or 403: the Secret's user or password is wrong, or lacks rights on the vhost."""

    reason = "BrokerCredentialsRefused"
    patience = 0.0


class PluginMissing(BrokerError):
    """A plugin that the topology needs is not enabled on the broker."""

    reason = "PluginMissing"
    patience = 0.0


class ManagementSilent(PluginMissing):
    """AMQP is there and the management API does not answer: its plugin is not enabled, or it was slow once."""

    patience = MAY_PASS


class VhostMissing(BrokerError):
    """The Secret names a vhost that the broker does not have."""

    reason = "VhostMissing"
    patience = 0.0


class BrokerChanged(BrokerError):
    """The Secret says another broker or vhost than the one that holds the route's queues."""

    reason = "BrokerChanged"
    patience = 0.0


class TopologyConflict(BrokerError):
    """A broker object of ours exists with another owner, kind or arguments."""

    reason = "TopologyConflict"
    patience = 0.0


class UsersNotAllowed(BrokerError):
    """The Secret's user may not make users: RabbitMQ allows that to administrators only."""

    reason = "UsersNotAllowed"
    patience = 0.0


class UserTaken(BrokerError):
    """A user of a lane's name is there, and somebody else's."""

    reason = "UserTaken"
    patience = 0.0


class KubeError(RouteError):
    """The API server refused or did not answer."""

    reason = "KubernetesError"
    patience = MAY_PASS


class KubeInvalid(KubeError):
    """The API server found the object invalid (422): the route asks for something that Kubernetes refuses."""

    reason = "ObjectInvalid"
    patience = 0.0


class KubeForbidden(KubeError):
    """RBAC, quota or an admission policy refused the write (403)."""

    reason = "Forbidden"
    patience = 0.0


class KubeConflict(KubeError):
    """The object changed since it was read (409); the next pass sees the new one."""

    reason = "Changed"


class NamespaceTerminating(KubeError):
    """The namespace is going away: it takes no new objects, not even events."""

    reason = "NamespaceTerminating"


def retry_after(header: str | None) -> float:
    """Seconds in a response's ``Retry-After``; 0 without one, or where it is a date: both servers write seconds."""
    return float(header) if header and header.isascii() and header.isdigit() and len(header) < 8 else 0.0


def unforeseen(error: BaseException) -> RouteError:
    """What a route says of an exception that nothing foresaw: its type and the operator's line, never its text.

    The text may quote what it failed over, a Secret's value for one.
    """
    place, step = "", error.__traceback__
    while step is not None:
        module = str(step.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == PACKAGE:
            place = f" at {module.partition('.')[2]}:{step.tb_lineno}"
        step = step.tb_next
    return RouteError(
        f"the operator failed over this route with {type(error).__name__}{place}, and tries again: its log has more. "
        "What it had made stays as it is"
    )
