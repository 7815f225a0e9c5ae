"""Pods of a Deployment without a node: what Kubernetes would do for them is done on this machine.

An API server of its own (servers/api_server.py) has no controllers and no kubelet. So the Pod objects of a Deployment
are written here as its ReplicaSet would make them; each has a worker process, whose mounted files follow the ConfigMaps
and Secrets that the pod template names, and whose probe makes the object ready. An operator cannot tell the difference:
it sees pods that are ready, and hears their pulses.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError

from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.worker.worker_process import WorkerProcess

SYNC = 0.5
"""Seconds between two looks at the mounted objects. A kubelet looks at once when its pod's annotations change, which is
what the operator changes for that, and takes about as long.
"""
_MOUNTS = "/etc/merchantroute/"


class NodelessPods:
    """The pods of one Deployment, an object and a process each. `env` is added to what the pod template says."""

    def __init__(
        self, server: ApiServer, namespace: str, deployment: str, root: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._server, self._namespace, self._deployment = server, namespace, deployment
        self._root, self._env = root, dict(env or {})
        self._seen: dict[str, str] = {}
        self._ending = Event()
        self._template: dict[str, Any] = self._read("deployments", deployment)["spec"]["template"]
        self.processes: dict[str, WorkerProcess] = {}
        self._sync()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def start(self, count: int) -> None:
        """Make so many pods, and have them ready."""
        names = [f"{self._deployment}-7d4b9c5f6d-{uuid.uuid4().hex[:5]}" for _ in range(count)]
        for name in names:
            self._make(name)
            self.processes[name] = WorkerProcess(self._root, name, self._arguments(), self._environment())
        for name in names:
            self.processes[name].ready(60)
            self._tell_ready(name)

    def stop(self, name: str) -> None:
        """End a pod as a kubelet does that has no patience: its process is killed, and its object is gone."""
        self.processes.pop(name).close()
        with suppress(HTTPError):
            self._server.call("DELETE", f"{self._pods}/{name}?gracePeriodSeconds=0")

    def close(self) -> None:
        """Leave no process behind, and no object."""
        self._ending.set()
        self._thread.join()
        for name in list(self.processes):
            self.stop(name)

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self._namespace}/pods"

    def _make(self, name: str) -> None:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"{self._deployment}-7d4b9c5f6d",
            "uid": str(uuid.uuid4()),
            "controller": True,
        }
        metadata = {**self._template["metadata"], "name": name, "ownerReferences": [owner]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self._template["spec"]}
        self._server.call("POST", self._pods, body)

    def _tell_ready(self, name: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": now}]
        status = {"phase": "Running", "conditions": conditions, "startTime": now}
        path = f"{self._pods}/{name}/status"
        self._server.call("PATCH", path, {"status": status}, "application/merge-patch+json")

    def _arguments(self) -> list[str]:
        return list(self._template["spec"]["containers"][0].get("args", ()))

    def _environment(self) -> dict[str, str]:
        """The container's variables, without its port: each process here has one of its own."""
        container = self._template["spec"]["containers"][0]
        given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        given.pop("MR_PORT", None)
        return {**given, "MR_COMPLETIONS": "", **self._env}

    def _follow(self) -> None:
        while not self._ending.wait(SYNC):
            with suppress(OSError):  # the API server is busy, or ends
                self._sync()

    def _sync(self) -> None:
        """Bring the mounted files up to date: of one volume the indexes last, so that a pod reads all or nothing."""
        for mount in self._template["spec"]["containers"][0]["volumeMounts"]:
            if mount["mountPath"].startswith(_MOUNTS):
                self._sync_volume(mount["name"], self._root / mount["mountPath"].removeprefix(_MOUNTS))

    def _sync_volume(self, volume: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        found = next(each for each in self._template["spec"]["volumes"] if each["name"] == volume)
        files: dict[str, bytes] = {}
        for resource, name in _sources(found):
            files |= self._changed(resource, name)
        for name, data in sorted(files.items(), key=lambda item: item[0] == "index.json"):
            temporary = self._root / f".{volume}-{name}"
            temporary.write_bytes(data)
            temporary.replace(folder / name)

    def _changed(self, resource: str, name: str) -> dict[str, bytes]:
        """The object's files; none where it is as it was."""
        body = self._read(resource, name)
        version = body["metadata"]["resourceVersion"]
        if self._seen.get(f"{resource}/{name}") == version:
            return {}
        self._seen[f"{resource}/{name}"] = version
        data: dict[str, str] = body.get("data") or {}
        if resource == "secrets":
            return {key: base64.b64decode(value) for key, value in data.items()}
        binary: dict[str, str] = body.get("binaryData") or {}
        return {key: value.encode() for key, value in data.items()} | {
            key: base64.b64decode(value) for key, value in binary.items()
        }

    def _read(self, resource: str, name: str) -> Any:
        group = "/apis/apps/v1" if resource == "deployments" else "/api/v1"
        return self._server.call("GET", f"{group}/namespaces/{self._namespace}/{resource}/{name}")

    def pids(self) -> list[int]:
        """Of the pods' processes."""
        return [each.process.pid for each in self.processes.values()]

    def merchants(self, name: str) -> list[dict[str, Any]]:
        """What a pod's own `/merchants` shows."""
        found: list[dict[str, Any]] = json.loads(self.processes[name].get("/merchants?top=1000")[1])["merchants"]
        return found


def _sources(volume: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Resource and name of the objects that a volume shows, in their order."""
    if "secret" in volume:
        return [("secrets", volume["secret"]["secretName"])]
    found = []
    for source in volume.get("projected", {}).get("sources", ()):
        found += [("configmaps", source["configMap"]["name"])] if "configMap" in source else []
        found += [("secrets", source["secret"]["name"])] if "secret" in source else []
    return found
