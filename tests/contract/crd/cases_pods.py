"""What worker pods get from the user, on spec.worker and on a tier alike."""

from __future__ import annotations

from typing import Any

from tests.contract.crd.cases import Refused, refused

BOTH = ("spec.worker", "spec.tiers.0")
CANARY = "spec.tiers.0.canary"
WITHOUT = (".command", ".command[1]")  # it runs what its tier runs
SECRET_KEY = {"secretKeyRef": {"name": "s", "key": "k"}}
LONG_NAME = "n" * 64
VOLUME = {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}


def mount(path: str, *words: str) -> Refused:
    """A mountPath that is refused, for a volume that is there."""
    return refused("spec.worker.volumeMounts", [{"name": "cache", "mountPath": path}], f"'{path}'", *words,
                   at="spec.worker.volumeMounts[0].mountPath", also={"spec.worker.volumes": [VOLUME]})  # fmt: skip


def on(where: str) -> list[Refused]:
    """The cases of fields that a tier shares with spec.worker."""
    at = where.replace(".0", "[0]")

    def env(variable: dict[str, Any], field: str, *words: str) -> Refused:
        return refused(f"{where}.env", [variable], *words, at=f"{at}.env[0]{field}")

    def toleration(value: dict[str, Any], field: str, *words: str) -> Refused:
        return refused(f"{where}.tolerations", [value], *words, at=f"{at}.tolerations[0]{field}")

    def cpu(value: object, *words: str) -> Refused:
        return refused(f"{where}.resources.limits", {"cpu": value}, *words, at=f"{at}.resources.limits[cpu]")

    return [
        env({"name": "MR_TIER", "value": "x"}, ".name", "'MR_TIER'", "set by the operator", "write another name"),
        env({"name": "2ND", "value": "x"}, ".name", "'2ND'", "not beginning with a digit"),
        env({"name": "A-B", "value": "x"}, ".name", "'A-B'", "write letters, digits and '_'"),
        env({"name": "A", "value": "x", "valueFrom": SECRET_KEY}, "", "'A' has both value and valueFrom"),
        env({"name": "A", "valueFrom": {}}, ".valueFrom", "at least 1 properties"),
        env({"name": "A", "valueFrom": {**SECRET_KEY, "fieldRef": {"fieldPath": "metadata.name"}}}, ".valueFrom",
            "at most 1"),
        env({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}, ".valueFrom.secretKeyRef.key", "Required"),
        *(
            env({"name": "A", "valueFrom": {source: {"name": "A_b", "key": "k"}}}, f".valueFrom.{source}.name",
                "'A_b' cannot be the name of")
            for source in ("secretKeyRef", "configMapKeyRef")
        ),
        *(
            refused(f"{where}.envFrom", [{source: {"name": "A_b"}}], "'A_b' cannot be the name of",
                    at=f"{at}.envFrom[0].{source}.name")
            for source in ("secretRef", "configMapRef")
        ),
        refused(f"{where}.resources.requests", {"memory": "96MiB"}, "'96MiB' is not an amount", "512Mi",
                at=f"{at}.resources.requests[memory]"),
        refused(f"{where}.env", [{"name": "A"}, {"name": "A"}], "Duplicate value", at=f"{at}.env[1]"),
        refused(f"{where}.envFrom", [{"prefix": "MR_", "secretRef": {"name": "s"}}], "'MR_'", "write another prefix",
                at=f"{at}.envFrom[0].prefix"),
        refused(f"{where}.envFrom", [{}], "exactly one of secretRef and configMapRef", at=f"{at}.envFrom[0]"),
        refused(f"{where}.envFrom", [{"secretRef": {"name": "s"}, "configMapRef": {"name": "c"}}],
                "exactly one of secretRef and configMapRef", at=f"{at}.envFrom[0]"),
        *(cpu(value, f"'{value}' is not an amount", "such as 250m") for value in ("much", "-1", -1, "1 Gi", "")),
        toleration({"value": "x"}, "", "tolerates every taint", "write operator: Exists, or a key"),
        toleration({"key": "a", "operator": "Exists", "value": "x"}, "", "takes no value", "remove value"),
        toleration({"key": "a", "operator": "In"}, ".operator", '"In"', '"Equal", "Exists"'),
        toleration({"key": "a", "effect": "No"}, ".effect", '"No"', '"NoSchedule"'),
        *(
            refused(f"{where}.{field}.merchantroute%dev/tier", "x", "'merchantroute.dev/tier'", "a prefix of your own",
                    at=f"{at}.{field}")
            for field in ("labels", "annotations")
        ),
        *(
            refused(f"{where}.{field}.{key}", "x", f"'{key}'", "write name or prefix/name", at=f"{at}.{field}")
            for field in ("labels", "annotations")
            for key in ("a b", "a/b/c", "-a", LONG_NAME)
        ),
        *(
            refused(f"{where}.{field}.team", "order desk", "'order desk' cannot be a label's value",
                    at=f"{at}.{field}[team]")
            for field in ("labels", "nodeSelector")
        ),
        refused(f"{where}.image", "worker :1", "'worker :1' holds white space", "registry/name:tag", at=f"{at}.image"),
        refused(f"{where}.app", "my-app", "'my-app' cannot be imported", "package.module", at=f"{at}.app"),
        refused(f"{where}.command", [], "at least 1 items", at=f"{at}.command"),
        refused(f"{where}.command", ["", "worker"], "begins with an empty word", "write the program first",
                at=f"{at}.command"),
        refused(f"{where}.command", ["x"] * 65, "at most 64 items", at=f"{at}.command"),
        refused(f"{where}.command", ["celery", "x" * 1025], "may not be more than 1024", at=f"{at}.command[1]"),
        refused(f"{where}.imagePullSecrets", [{"name": "A"}], "'A' cannot be the name of a Secret",
                at=f"{at}.imagePullSecrets[0].name"),
        *of_platforms(where),
    ]  # fmt: skip


def of_platforms(where: str) -> list[Refused]:
    """The cases of what platforms need of the pods."""
    at = where.replace(".0", "[0]")
    template = f"{at}.podTemplate.spec"

    def over(spec: dict[str, Any], field: str, *words: str) -> Refused:
        return refused(f"{where}.podTemplate", {"spec": spec}, *words, at=f"{template}.{field}")

    def rollout(value: dict[str, Any], field: str, *words: str) -> Refused:
        return refused(f"{where}.rollout", value, *words, at=f"{at}.rollout{field}")

    return [
        rollout({"maxSurge": 0}, "", "write maxUnavailable"),
        rollout({"maxSurge": "0%", "maxUnavailable": 0}, "", "raise one of them"),
        rollout({"maxSurge": "half"}, ".maxSurge", "'half'", "percentage"),
        rollout({"maxUnavailable": -1}, ".maxUnavailable", "'-1'"),
        *(
            refused(f"{where}.disruptionBudget", {"maxUnavailable": value}, "hold up every drain",
                    at=f"{at}.disruptionBudget.maxUnavailable")
            for value in (0, "0%", "some")
        ),
        refused(f"{where}.serviceAccountName", "Pos_Runner", "cannot be the name of a ServiceAccount",
                at=f"{at}.serviceAccountName"),
        refused(f"{where}.serviceAccountAnnotations", {"merchantroute.dev/x": "y"}, "'merchantroute.dev/x'",
                "a prefix of your own", at=f"{at}.serviceAccountAnnotations"),
        refused(f"{where}.serviceAccountAnnotations", {"a b": "y"}, "'a b'", "write name or prefix/name",
                at=f"{at}.serviceAccountAnnotations"),
        over({"containers": [{"image": "x"}]}, "containers[0].name", "Required value"),
        over({"containers": [{"name": "a"}, {"name": "a"}]}, "containers[1]", "Duplicate value"),
        over({"terminationGracePeriodSeconds": 0}, "terminationGracePeriodSeconds", "greater than or equal to 1"),
    ]  # fmt: skip


REFUSED = [
    *on("spec.worker"),
    *on("spec.tiers.0"),
    *(
        Refused({**case.changes, f"{CANARY}.weight": 5}, case.field, case.words)
        for case in on(CANARY)
        if not case.field.endswith(WITHOUT)
    ),
    refused("spec.tiers.0.command", ["celery"], "tier 'standard' has both app and command", "remove one of them",
            at="spec.tiers[0].command", also={"spec.tiers.0.app": "shop.celery"}),
    mount("/etc/merchantroute", "would hide", "write another path"),
    mount("/etc/merchantroute/config", "would hide"),
    mount("/etc//merchantroute/", "would hide"),
    mount("/etc", "would hide"),
    mount("/tmp", "would hide"),  # noqa: S108 - a path in the pod
    mount("/", "would hide"),
    mount("cache", "write an absolute path"),
    mount("/a:b", "without ':'"),
    refused("spec.worker.volumeMounts", [{"name": "cache", "mountPath": "/c"}],
            "'cache' has no volume of that name", "add it to spec.worker.volumes"),
    *(
        refused("spec.worker.volumes", [{"name": name}], f"'{name}'", "lower-case", at="spec.worker.volumes[0].name")
        for name in ("merchantroute-config", "Cache")
    ),
]  # fmt: skip

ACCEPTED: list[dict[str, Any]] = [
    {
        f"{where}.image": "registry.example:5000/team/worker@sha256:" + "0" * 64,
        f"{where}.app": "shop.pos.gcelery:app",
        f"{where}.env": [
            {"name": "MR_COMPLETIONS", "value": "completions"},
            {"name": "MRS_SMITH", "value": ""},
            {"name": "A", "valueFrom": SECRET_KEY},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
            {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "D", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        f"{where}.envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}],
        f"{where}.resources": {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"cpu": 2, "memory": "0.5Gi"}},
        f"{where}.nodeSelector": {"kubernetes.io/os": "linux", "empty": ""},
        f"{where}.tolerations": [
            {"operator": "Exists"},
            {"key": "spot", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 30},
        ],
        f"{where}.imagePullSecrets": [{"name": "registry"}],
        f"{where}.priorityClassName": "system-cluster-critical",
        f"{where}.labels": {"team": "orders", "example.com/cost": "", "n" * 63: "V_1.0-x"},
        f"{where}.annotations": {"example.com/note": "any text, in any script: 寿司"},
    }
    for where in BOTH
] + [
    {
        "spec.worker.affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "spec.worker.volumes": [VOLUME],
        "spec.worker.volumeMounts": [
            {"name": "cache", "mountPath": "/etc/merchantroute-cache", "subPath": "a", "readOnly": True},
            {"name": "cache", "mountPath": "/tmp/cache"},  # noqa: S108 - a path in the pod
        ],
    }
]
COMMAND = ["celery", "-A", "shop.gcelery", "worker", "-Q", "$(MR_QUEUE)", "-c", "$(MR_CONCURRENCY)", ""]
ACCEPTED += [{f"{where}.command": COMMAND} for where in BOTH]
ACCEPTED += [
    {
        f"{where}.serviceAccountName": "pos-runner",
        f"{where}.serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/pos"},
        f"{where}.rollout": {"maxSurge": 0, "maxUnavailable": "25%"},
        f"{where}.disruptionBudget": {"maxUnavailable": "10%"},
        f"{where}.podTemplate": {
            "spec": {
                "securityContext": {},
                "containers": [{"name": "worker", "securityContext": {"readOnlyRootFilesystem": False}}],
                "initContainers": [{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}],
                "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
                "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["pos.example"]}],
                "terminationGracePeriodSeconds": 300,
            }
        },
    }
    for where in BOTH
]
