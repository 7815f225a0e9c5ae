"""Pods, started as processes of this machine, or in containers that have a memory limit."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from merchantroute_kit.servers.hack import hack
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.worker_process import WorkerProcess

APPS = Path(__file__).parent / "apps"
HOSTILE = ("--app", "hostile")
_BUILDING = 1800.0


def lane_pod(root: Path, name: str, *, concurrency: int, hostile: bool) -> WorkerProcess:
    """A pod of the lane."""
    arguments = ["--concurrency", str(concurrency), *(HOSTILE if hostile else ())]
    return WorkerProcess(root, name, arguments, _environment(hostile=hostile))


def suspect_pod(root: Path, name: str, *, hostile: bool) -> WorkerProcess:
    """The pod of the suspect lane, with the one slot that the operator gives it."""
    arguments = ["--concurrency", "1", *(HOSTILE if hostile else ())]
    lane = {"MR_TIER": "suspect", "MR_LANE": "suspect"}
    return WorkerProcess(root, name, arguments, {**_environment(hostile=hostile), **lane})


def _environment(*, hostile: bool) -> dict[str, str]:
    # No exchange for completion records: as in production, the log is where they are.
    return {"MR_COMPLETIONS": "", **({"PYTHONPATH": str(APPS)} if hostile else {})}


class LimitedPod(WorkerProcess):
    """A pod as Kubernetes runs it: the image, with a memory limit that the kernel enforces by killing it."""

    def __init__(self, root: Path, name: str, *, concurrency: int, megabytes: int) -> None:
        self._limit = megabytes
        self._container = f"{topology.ROUTE}-{name}-{os.urandom(4).hex()}"
        arguments = ["--concurrency", str(concurrency), *HOSTILE]
        super().__init__(root, name, arguments, _environment(hostile=False))

    def command(self, arguments: Sequence[str], given: Mapping[str, str]) -> list[str]:
        """`docker run` in the place of the program; it hands signals on, and the log back."""
        environment = {**given, "PYTHONPATH": str(APPS)}
        root = self.log.parent
        return [
            "docker", "run", "--rm", "--name", self._container, "--network", "host", "--read-only", "--tmpfs", "/tmp",  # noqa: S108
            "--memory", f"{self._limit}m", "--memory-swap", f"{self._limit}m",
            "--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{root}:{root}", "--volume", f"{APPS}:{APPS}:ro",
            *(f"--env={name}={value}" for name, value in environment.items() if name.startswith(("MR_", "PYTHON"))),
            worker_image(), "merchantroute-worker", *arguments,
        ]  # fmt: skip

    def close(self) -> None:
        """Remove the container as well."""
        subprocess.run(["docker", "rm", "--force", self._container], capture_output=True, timeout=60)
        super().close()


@cache
def worker_image() -> str:
    """The tag of the worker's image, built when what goes into it has changed."""
    hack("build-images", "worker", within=_BUILDING)
    return hack("image-tag", "worker", within=60).strip()
