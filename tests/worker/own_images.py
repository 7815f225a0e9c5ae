"""A team's images for its own app: built from the Dockerfiles in docs/own-apps.md, word for word, and run as a pod.

The images that those start from stand in for a registry's: the worker's, and a Debian with Python as a team's base.
Both bring a folder of wheels that pip is told to take instead of an index, which a build container may not reach.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from merchantroute_kit.servers.hack import ROOT, adopt_tools, hack
from merchantroute_kit.worker.worker_process import WorkerProcess

PAGE = ROOT / "docs" / "own-apps.md"
WORKER = "registry.example/merchantroute-worker:0.1.0"
PYTHON = "registry.example/python:3.13"
BUILDING = 1800.0  # seconds; cold, the base image is made and wheels are downloaded
OFFLINE = """COPY wheels/ /wheels/
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels UV_OFFLINE=1 UV_NO_INDEX=1 UV_FIND_LINKS=/wheels
"""
TEAMS_BASE = """FROM debian:trixie-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv
"""


def dockerfile(section: str) -> str:
    """The one Dockerfile in a section of the page."""
    text = PAGE.read_text("utf-8").split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    (found,) = re.findall(r"```dockerfile\n(.*?)```", text, re.DOTALL)
    return found


def worker_image(root: Path) -> None:
    """Tag the worker's image of this checkout as the page names it, with the app's own wheels beside it."""
    hack("build-images", "worker", within=BUILDING)
    adopt_tools()
    tag = hack("image-tag", "worker", within=60).strip()
    _wheels(root, "pyyaml")
    build(root, f"FROM {tag}\n{OFFLINE}", WORKER)


def teams_base(root: Path) -> None:
    """Tag a Debian with Python as a team's base image, with the wheels that the page's Dockerfile asks for."""
    hack("docker-up", within=BUILDING)
    hack("base-image", within=BUILDING)
    adopt_tools()
    _wheels(root, "pyyaml", "uv", lock="worker.txt")
    hack("wheel", str(root / "wheels"), within=120)
    build(root, TEAMS_BASE + OFFLINE, PYTHON)


def build(root: Path, text: str, tag: str) -> str:
    """`docker build` in `root`; its layers are Docker's to keep, so the same again takes a second. Gives the tag."""
    (root / "Dockerfile").write_text(text)
    options = ["--network", "host", "--tag", tag]
    # The builder that an old client without buildx has; with BuildKit the same files give the same image.
    builder = {} if _has_buildx() else {"DOCKER_BUILDKIT": "0"}
    command = ["docker", "build", *options, str(root)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BUILDING, env={**os.environ, **builder})
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return tag


class ImagePod(WorkerProcess):
    """A pod as Kubernetes runs it: a container of the image, non-root, on a read-only root."""

    def __init__(self, root: Path, image: str, arguments: Sequence[str]) -> None:
        self._image = image
        self._container = f"merchantroute-own-app-{os.urandom(4).hex()}"
        super().__init__(root, "own-app", arguments, {})

    def command(self, arguments: Sequence[str], given: Mapping[str, str]) -> list[str]:
        """`docker run` in the place of the program; it hands signals on, and the log back."""
        root = self.log.parent
        return [
            "docker", "run", "--rm", "--name", self._container, "--network", "host", "--read-only", "--tmpfs", "/tmp",  # noqa: S108
            "--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{root}:{root}",
            *(f"--env={name}={value}" for name, value in given.items() if name.startswith("MR_")),
            self._image, "merchantroute-worker", *arguments,
        ]  # fmt: skip

    def close(self) -> None:
        """Remove the container as well."""
        subprocess.run(["docker", "rm", "--force", self._container], capture_output=True, timeout=60)
        super().close()


def _wheels(root: Path, *packages: str, lock: str | None = None) -> None:
    """Fill root/wheels: these packages as requirements/dev.txt locks them, and all of another lock."""
    dev = _lock("dev.txt")
    blocks = [re.findall(rf"^{package}==.*?(?=^\S|\Z)", dev, re.DOTALL | re.MULTILINE)[0] for package in packages]
    wanted = root.with_suffix(".lock")
    wanted.write_text("".join(blocks) + (_lock(lock) if lock else ""))
    hack("wheels", str(wanted), str(root / "wheels"), within=BUILDING)


def _lock(name: str) -> str:
    return (ROOT / "requirements" / name).read_text("utf-8")


def _has_buildx() -> bool:
    return subprocess.run(["docker", "buildx", "version"], capture_output=True, timeout=60).returncode == 0
