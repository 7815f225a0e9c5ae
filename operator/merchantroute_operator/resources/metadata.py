"""Metadata that all children share: labels, and a digest as an annotation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeAlias

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route

Object: TypeAlias = dict[str, Any]  # a Kubernetes object as JSON
Live: TypeAlias = Mapping[str, Any]  # one as the API server sent it: not ours to change

APPLIED = f"{naming.GROUP}/applied"


def child(api_version: str, kind: str, route: Route, name: str, labels: Mapping[str, str]) -> Object:
    """The head of a child. It has no owner reference: a foreground delete would kill the workers that Drain needs."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": route.namespace,
            "labels": {**labels, "app.kubernetes.io/managed-by": naming.MANAGER},
        },
    }


def stamped(body: Object) -> Object:
    """``body`` with a digest of itself as an annotation: a field that is no longer wanted shows as a difference too."""
    metadata = body["metadata"]
    annotations = {**metadata.get("annotations", {}), APPLIED: digest(canonical(body))}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def canonical(value: Any) -> str:
    """JSON of which equal values have equal texts, as ``schema/`` asks for."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """SHA-256 in hex of the text's UTF-8."""
    return sha256(text.encode()).hexdigest()
