"""The operator's rights as the manifests give them, and a service account that has all of them but one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from merchantroute_operator.kube.kube_port import Object
from tests.contract.kube.conftest import GROUP, MERCHANTS, PLURAL
from tests.harness.cluster import Kubectl

RBAC = Path(__file__).parents[3] / "manifests" / "base" / "rbac.yaml"
PATIENCE = 30.0  # seconds until the API server's authorizer has seen another role
OURS = "merchantroute.dev"

Right = tuple[str, str, str]  # API group, resource, verb


def rights() -> list[Right]:
    """Every verb that the operator's roles hold."""
    roles = [
        each
        for each in yaml.safe_load_all(RBAC.read_text())
        if each["kind"] in ("ClusterRole", "Role") and each["metadata"]["name"] == "merchantroute-operator"
    ]
    found = [
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert len(roles) == 2
    assert len(found) == len(set(found))
    return found


def own(right: Right) -> list[Right]:
    """The right, and the same on the tests' own group."""
    group, resource, verb = right
    if group != OURS:
        return [right]
    kind, _, sub = resource.partition("/")
    theirs = {"merchantroutes": PLURAL, "merchants": MERCHANTS}[kind] + (f"/{sub}" if sub else "")
    return [right, (GROUP, theirs, verb)]


class Operator:
    """A service account with the operator's rights but one."""

    def __init__(
        self, kubectl: Kubectl, namespace: str, kubeconfig: Path, authorizer: client.AuthorizationV1Api
    ) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self._kubectl = kubectl
        self._authorizer = authorizer
        self._name = f"rights-{namespace}"
        subject = {"kind": "ServiceAccount", "name": "operator", "namespace": namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self._name}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "roleRef": role}
        self._has(())
        self._apply({**binding, "metadata": {"name": self._name}, "subjects": [subject]})
        self._until(("", "secrets", "get"), allowed=False)

    def may_all_but(self, missing: Right | None) -> None:
        """Until the authorizer says so of the last right that changed."""
        kept = [each for right in rights() if right != missing for each in own(right)]
        self._has(kept)
        for each in own(missing) if missing else ():
            self._until(each, allowed=False)
        self._until(kept[-1], allowed=True)

    def remove(self) -> None:
        self._kubectl("delete", "clusterrole,clusterrolebinding", self._name)

    def _has(self, kept: Any) -> None:
        rules = [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in kept]
        head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        self._apply({**head, "metadata": {"name": self._name}, "rules": rules})

    def _apply(self, body: Object) -> None:
        self._kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))

    def _until(self, right: Right, *, allowed: bool) -> None:
        group, resource, verb = right
        resource, _, sub = resource.partition("/")
        what = client.V1ResourceAttributes(
            verb=verb, group=group, resource=resource, subresource=sub, namespace=self.namespace
        )
        user = f"system:serviceaccount:{self.namespace}:operator"
        spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=what)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            review = self._authorizer.create_subject_access_review(client.V1SubjectAccessReview(spec=spec))
            if bool(review.status and review.status.allowed) is allowed:
                return
        raise AssertionError(f"{right} is not {allowed} within {PATIENCE} s")


def words(right: Right) -> str:
    """What the API server says without it."""
    _, resource, verb = own(right)[-1]
    return f'cannot {verb} resource "{resource}"'


def shown(right: Right) -> str:
    return " ".join(filter(None, right)).replace("/", ".")
