"""Maps error responses of the management API to the named errors.

It answers 401 for nearly every missing right, and 400 with the broker's own words where a declaration does not fit
[RabbitMQ 4.0.5]. Its words name objects and arguments, never a password.
"""

from __future__ import annotations

import json

from merchantroute_operator.errors import (
    BrokerError,
    BrokerRefusedCredentials,
    BrokerTLSFailed,
    BrokerUnreachable,
    TopologyConflict,
)
from merchantroute_operator.rabbit.tls import tls_failure

LONGEST = 200  # characters of the broker's words that a condition shows


_INEQUIVALENT = "inequivalent arg"  # nobody but RabbitMQ says so
_REMARKS = {3: ", a redirect, which is not followed: write into management_uri where it leads"}  # by the first digit


class NotFound(BrokerError):
    """The vhost or the object of the call does not exist; callers decide what that means."""

    reason = "NotFound"


def failure(status: int, body: bytes, *, what: str, quoted: bool) -> BrokerError:
    """The error for an answer of ``status`` (HTTP) to an attempt to do ``what``.

    ``quoted`` is for a server that has shown that it is RabbitMQ: of any other nothing is repeated, since a tenant may
    have led the operator to it in order to read what only the operator's pod can.
    """
    said = _words(body)
    conflict = status == 400 and _INEQUIVALENT in said
    bare = f"the management API answered {status}{_REMARKS.get(status // 100, '')}"
    words = (said if quoted or conflict else "") or bare
    if status in (401, 403):
        return BrokerRefusedCredentials(
            f"{what}: {words}. The Secret's user needs the right password, the tag management or administrator, "
            "and rights to configure, write and read on the vhost"
        )
    if status == 404:
        return NotFound(f"{what}: {words}")
    if conflict:
        return TopologyConflict(f"{what}: {words}")
    if status in (502, 503, 504):
        return BrokerUnreachable(f"{what}: {words}")
    return BrokerError(f"{what}: {words}")


def unanswered(error: BaseException, *, what: str, uri: str) -> BrokerUnreachable:
    """The error for a call of the management API at ``uri`` that got no answer."""
    if failed := tls_failure(error):
        return BrokerTLSFailed(f"{what}: the management API at {uri}: {failed}")
    why = "does not answer in time" if isinstance(error, TimeoutError) else f"cannot be reached: {_kind(error)}"
    return BrokerUnreachable(f"{what}: the management API at {uri} {why}")


def unreadable(*, what: str, uri: str) -> BrokerError:
    """The error for an answer that is none of RabbitMQ's management API: a proxy's page, a login, cut-off JSON."""
    return BrokerError(
        f"{what}: what answers at {uri} is not RabbitMQ's management API: does the Secret's key management_uri lead "
        "there, and does nothing in between answer or compress in its place?"
    )


def too_large(bound: str, *, uri: str) -> BrokerError:
    """The error for an answer that is larger than the operator reads."""
    return BrokerError(
        f"the answer of {uri} has {bound}, and was not read: is it RabbitMQ's management API? A vhost with so many "
        "objects has to be split"
    )


def _kind(error: BaseException) -> str:
    cause = getattr(error, "os_error", None) or error
    return str(getattr(cause, "strerror", None) or type(cause).__name__)


def _words(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    words = str(answer.get("reason") or answer.get("error") or "") if isinstance(answer, dict) else ""
    return words[:LONGEST].encode(errors="replace").decode()
