"""What is kept of Kubernetes' objects between two reconciles: the fields of which the status and the scaler speak.

A route has dozens of children. Their bodies, with a pod template or everybody's configuration in them, are read anew by
each full reconcile, and nobody needs them in between.
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.kube.kube_port import Children, Object
from merchantroute_operator.reconcile.state.findings import NO_CHILDREN, Findings

_METADATA = (
    "name", "namespace", "uid", "resourceVersion", "generation", "labels", "annotations", "deletionTimestamp",
)  # fmt: skip


def retained(findings: Findings) -> Findings:
    """The findings of a reconcile that has ended, without the bodies that they were made of."""
    if findings.children is NO_CHILDREN:
        return replace(findings, raw=_route(findings.raw))
    children = Children(
        deployments={name: retained_deployment(body) for name, body in findings.children.deployments.items()},
        config_maps={},
        secrets={},
        pods={name: _pod(body) for name, body in findings.children.pods.items()},
    )
    return replace(findings, raw=_route(findings.raw), children=children)


def retained_deployment(body: Object) -> Object:
    """A Deployment without its template."""
    metadata = {key: value for key, value in _metadata(body).items() if key != "annotations"}
    spec = {"replicas": body["spec"]["replicas"]} if "replicas" in body.get("spec", {}) else {}
    return {"metadata": metadata, "spec": spec, "status": body.get("status", {})}


def _pod(body: Object) -> Object:
    return {"metadata": _metadata(body), "status": body.get("status", {})}


def _route(raw: Object) -> Object:
    head: Object = {key: raw[key] for key in ("apiVersion", "kind") if key in raw}
    return {**head, "metadata": _metadata(raw), "status": raw.get("status", {})}


def _metadata(body: Object) -> Object:
    return {key: body["metadata"][key] for key in _METADATA if key in body["metadata"]}
