"""Merges the pod options of a lane: the route's ``worker`` with a tier's overrides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import PodOptions, Raw
from merchantroute_operator.spec.sections.pods.pod_template import check_pod_template

_MERGED = ("labels", "annotations", "nodeSelector", "serviceAccountAnnotations")
_REPLACED = ("envFrom", "resources", "tolerations", "imagePullSecrets", "priorityClassName", "serviceAccountName",
             "podTemplate", "rollout", "disruptionBudget")  # fmt: skip
_WORKER_ONLY = ("affinity", "volumes", "volumeMounts")
OWN_PATH = "/etc/merchantroute"


def pod_options(worker: Raw, tier: Raw, where: str, *, deadline: float) -> PodOptions:
    """Merge ``worker`` and ``tier``: env by name, maps by key, everything else replaced; ``where`` names the tier.

    ``app`` and ``command`` say the same, what the pods run, so a tier's one replaces either of the worker's.
    ``deadline`` (seconds) is an order's.
    """
    fields: dict[str, Any] = {}
    if env := _merge_by_name(worker.get("env", ()), tier.get("env", ())):
        fields["env"] = env
    for name in _MERGED:
        if merged := {**worker.get(name, {}), **tier.get(name, {})}:
            fields[name] = merged
    for name in _REPLACED:
        if value := tier.get(name, worker.get(name)):
            fields[name] = value
    for name in _WORKER_ONLY:
        if value := worker.get(name):
            fields[name] = value
    _refuse_what_is_ours(fields, where)
    command = () if tier.get("app") else tuple(tier.get("command") or worker.get("command") or ())
    if over := fields.get("podTemplate", {}).get("spec"):
        check_pod_template(over, where, deadline=deadline, command=bool(command))
    return PodOptions(
        image=tier.get("image") or worker["image"],
        app=tier.get("app") or worker.get("app", "merchantroute_worker.app"),
        command=command,
        events=bool(worker.get("events")),
        fields=fields,
    )


def _merge_by_name(base: Sequence[Raw], over: Sequence[Raw]) -> list[Raw]:
    """Variables in the order they were written; a later one of the same name takes the earlier one's place."""
    return list({variable["name"]: variable for variable in (*base, *over)}.values())


def _refuse_what_is_ours(fields: Raw, where: str) -> None:
    """Keep the lane's identity and files: a pod that takes another lane's name would mix up two lanes' figures."""
    _refuse_variables(fields, where)
    for name in ("labels", "annotations", "serviceAccountAnnotations"):
        for key in fields.get(name, {}):
            if key.split("/")[0] == naming.GROUP:
                raise SpecInvalid(f"{where}: {name} {key} is the operator's; choose a key outside {naming.GROUP}/")
    for mount in fields.get("volumeMounts", ()):
        path = mount["mountPath"].rstrip("/")
        if path in ("/tmp", OWN_PATH) or path.startswith(OWN_PATH + "/"):  # noqa: S108
            raise SpecInvalid(f"{where}: volumeMounts {mount['mountPath']} is mounted by the operator; choose another")
    for volume in fields.get("volumes", ()):
        if volume["name"].startswith("merchantroute-"):
            raise SpecInvalid(f"{where}: volumes {volume['name']}: names that begin with merchantroute- are taken")


def _refuse_variables(fields: Raw, where: str) -> None:
    for variable in fields.get("env", ()):
        if variable["name"].startswith("MR_") and variable["name"] != "MR_COMPLETIONS":
            raise SpecInvalid(f"{where}: env {variable['name']} is set by the operator; names that begin with MR_ are")
    for source in fields.get("envFrom", ()):
        if (prefix := source.get("prefix", "")).startswith("MR_"):
            raise SpecInvalid(f"{where}: envFrom prefix {prefix} is the operator's; write one that begins otherwise")
