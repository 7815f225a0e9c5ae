"""Maps error responses of the API server to the named errors, in one table for all calls.

An API server repeats the offending value in its message. Of a Secret only the fields are quoted, and which right is
missing, never the message.
Source: the ``Status`` object of the Kubernetes API conventions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from merchantroute_operator.errors import (
    KubeConflict,
    KubeError,
    KubeForbidden,
    KubeInvalid,
    NamespaceTerminating,
)
from merchantroute_operator.tls_errors import tls_error

LONGEST = 1000  # characters of the API server's words that a condition shows
# What a server-side apply answers, with status 500, to a field of the wrong type.
_UNTYPED = "failed to create typed patch object"
# How RBAC's refusal of a call about Secrets ends: names of the right and of the namespace, and nothing of the Secret's.
_MISSING_RIGHT = re.compile(
    r'cannot [a-z]+ resource "secrets" in API group "" (?:in the namespace "[a-z0-9-]{1,63}"|at the cluster scope)'
)
_BY_STATUS: dict[int, type[KubeError]] = {
    400: KubeInvalid,
    403: KubeForbidden,
    409: KubeConflict,
    413: KubeInvalid,
    422: KubeInvalid,
}


class NotFound(KubeError):
    """The object of the call does not exist; callers of the port see None or nothing at all instead."""

    reason = "NotFound"


def failure(status: int, body: bytes, *, kind: str, name: str) -> KubeError:
    """The error for an answer of ``status`` (HTTP) to a call about object ``name`` of ``kind``."""
    answer = _status_object(body)
    words = f"{kind} {name}: {_words(answer, kind) or f'the API server answered {status}'}"
    if kind != "Namespace" and _names_namespace_end(answer):
        return NamespaceTerminating(words)
    if status == 404:
        return NotFound(words)
    if str(answer.get("message", "")).startswith(_UNTYPED):
        return KubeInvalid(words)
    return _BY_STATUS.get(status, KubeError)(words)


def unanswered(error: BaseException, *, kind: str, name: str) -> KubeError:
    """The error for a call that got no answer: connection, TLS, or time."""
    if (failed := tls_error(error)) is not None:
        words = getattr(failed, "verify_message", None) or failed.reason or type(failed).__name__
        return KubeError(f"{kind} {name}: the API server's certificate is not trusted, or it speaks no TLS: {words}")
    why = "did not answer in time" if isinstance(error, TimeoutError) else f"cannot be reached ({type(error).__name__})"
    return KubeError(f"{kind} {name}: the API server {why}")


def _status_object(body: bytes) -> Mapping[str, Any]:
    """The ``Status``, or nothing: a proxy in between answers in words of its own."""
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _causes(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((status.get("details") or {}).get("causes") or ())


def _names_namespace_end(status: Mapping[str, Any]) -> bool:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(status)):
        return True
    return status.get("code") == 404 and (status.get("details") or {}).get("kind") == "namespaces"


def _words(status: Mapping[str, Any], kind: str) -> str:
    if kind != "Secret":
        return str(status.get("message", ""))[:LONGEST]
    fields = sorted({str(cause["field"]) for cause in _causes(status) if "field" in cause})
    right = _MISSING_RIGHT.search(str(status.get("message", "")))
    return " ".join([str(status.get("reason", "")), *fields, *([right[0]] if right else [])]).strip()[:LONGEST]
