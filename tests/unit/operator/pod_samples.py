"""Pods, as the API server shows them: of a lane, and of somebody else."""

from __future__ import annotations

from typing import Any

from merchantroute_operator.naming import deployment, labels


def a_pod(
    name: str, since: str = "2026-01-01T00:00:00Z", *, tier: str = "standard", lane: str = "stable"
) -> dict[str, Any]:
    """A ready pod of the route ``pos``."""
    return {
        "metadata": worker_metadata(name, tier, lane),
        "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}]},
    }


def worker_metadata(name: str, tier: str, lane: str) -> dict[str, Any]:
    """Of a pod that the lane's Deployment of the route ``pos`` made."""
    owner = {"kind": "ReplicaSet", "name": f"{deployment('pos', tier, lane)}-5d8f", "controller": True}
    return {"name": name, "labels": labels("pos", tier, lane), "ownerReferences": [owner]}


def a_loose_pod(name: str) -> dict[str, Any]:
    """A ready pod with the labels of the route ``pos`` that no controller made."""
    made = a_pod(name)
    del made["metadata"]["ownerReferences"]
    return made


def a_job_pod(name: str) -> dict[str, Any]:
    """One that a Job made, with the same labels."""
    made = a_loose_pod(name)
    job = f"{deployment('pos', 'standard', 'stable')}-1"
    made["metadata"]["ownerReferences"] = [{"kind": "Job", "name": job, "controller": True}]
    return made
