"""A lane's pod template: one container that meets the restricted Pod Security Standard, and its files.

What changes while orders flow (merchants, limits, credentials) is not here, so that no pod is replaced for it.
"""

from __future__ import annotations

from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.sharding import (
    CONFIG_VOLUME,
    CREDENTIALS_VOLUME,
    ONE_PAIR,
    Sharding,
)
from merchantroute_operator.resources.metadata import Live, Object
from merchantroute_operator.resources.workload.overlay import overlay
from merchantroute_operator.resources.workload.program import probes, program, variables
from merchantroute_operator.spec.route import Route, Tier
from merchantroute_operator.spec.sections.pods.pod_template import PORT, WORKER, grace

USER = 10001
BEFORE_SIGTERM = 1  # seconds
"""A container's program is process 1, to which the kernel does not deliver a signal until there is a handler for it. A
pod that is deleted as it starts gets SIGTERM this much later, when its program has come so far.
"""
MOUNTS = "/etc/merchantroute"
_BROKER, _TMP = "merchantroute-broker", "merchantroute-tmp"
_READABLE = 0o440  # by the pod's group, fsGroup


def pod_template(route: Route, tier: Tier, lane: str, mounts: Sharding = ONE_PAIR) -> Object:
    """The template of ``spec.template``: metadata and spec. Of the configuration it names the objects alone."""
    user = tier.pod.fields
    metadata: Object = {
        "labels": {
            **user.get("labels", {}),
            **naming.labels(route.name, tier.name, lane),
            "app.kubernetes.io/managed-by": naming.MANAGER,
        }
    }
    if "annotations" in user:
        metadata["annotations"] = dict(user["annotations"])
    given = ("nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName", "affinity")
    spec = {
        "serviceAccountName": user.get("serviceAccountName", naming.deployment(route.name, tier.name, lane)),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace(route.orders.deadline),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": _spread(route, tier, lane),
        "containers": [_container(route, tier, lane)],
        "volumes": [
            *_volumes(route, mounts, naming.deployment(route.name, tier.name, lane)),
            *user.get("volumes", ()),
        ],
        **{name: user[name] for name in given if name in user},
    }
    return {"metadata": metadata, "spec": overlay(spec, user.get("podTemplate", {}).get("spec", {}))}


def _spread(route: Route, tier: Tier, lane: str) -> list[Object]:
    """Over zones and nodes as evenly as can be, and never so evenly that a pod could not start."""
    selector = {"matchLabels": naming.labels(route.name, tier.name, lane)}
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _container(route: Route, tier: Tier, lane: str) -> Object:
    user = tier.pod.fields
    return {
        "name": WORKER,
        "image": tier.pod.image,
        **program(tier, lane),
        "env": [*_identity(route, tier, lane), *variables(route, tier, lane), *user.get("env", ())],
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        **probes(tier),
        "lifecycle": {"preStop": {"sleep": {"seconds": BEFORE_SIGTERM}}},
        "terminationMessagePolicy": "FallbackToLogsOnError",  # so that a condition can quote why it ended
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": CONFIG_VOLUME, "mountPath": f"{MOUNTS}/config", "readOnly": True},
            {"name": CREDENTIALS_VOLUME, "mountPath": f"{MOUNTS}/credentials", "readOnly": True},
            {"name": _BROKER, "mountPath": f"{MOUNTS}/broker", "readOnly": True},
            {"name": _TMP, "mountPath": "/tmp"},  # noqa: S108
            *user.get("volumeMounts", ()),
        ],
        **{name: user[name] for name in ("envFrom", "resources") if name in user},
    }


def _identity(route: Route, tier: Tier, lane: str) -> list[dict[str, Any]]:
    """Which lane the pod works for; before the user's variables, which may refer to these."""
    fixed = {
        "MR_NAMESPACE": route.namespace,
        "MR_ROUTE": route.name,
        "MR_TIER": tier.name,
        "MR_LANE": lane,
        "MR_PORT": str(PORT),
    }
    if tier.pod.events:
        fixed["MR_EVENTS"] = "true"
    pod = {"name": "MR_POD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}
    return [*({"name": name, "value": value} for name, value in fixed.items()), pod]


def mounted_broker_secret(pod_spec: Live) -> str:
    """The Secret from which a pod, or a template, knows its broker user; empty where it mounts none."""
    volumes = {volume["name"]: volume for volume in pod_spec.get("volumes") or ()}
    return str(volumes.get(_BROKER, {}).get("secret", {}).get("secretName", ""))


def _volumes(route: Route, mounts: Sharding, deployment: str) -> list[Object]:
    names = naming.shards(mounts.config)
    config = [{"configMap": {"name": naming.config_map(route.name, shard)}} for shard in names]
    names = naming.shards(mounts.credentials)
    credentials = [{"secret": {"name": naming.credentials_secret(route.name, shard)}} for shard in names]
    return [
        {"name": CONFIG_VOLUME, "projected": {"sources": config, "defaultMode": _READABLE}},
        {"name": CREDENTIALS_VOLUME, "projected": {"sources": credentials, "defaultMode": _READABLE}},
        {"name": _BROKER, "secret": {"secretName": route.mounted_secret(deployment), "defaultMode": _READABLE}},
        {"name": _TMP, "emptyDir": {}},
    ]
