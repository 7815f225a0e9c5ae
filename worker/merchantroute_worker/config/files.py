"""Loads the route's configuration from mounted ConfigMaps and Secrets, completely or not at all.

The kubelet swaps the files of one volume at once, from ConfigMaps and Secrets of which each is as new as it has come to
know it: only when every checksum in the indexes matches do the files belong together. Until then the pod keeps the
configuration that it has. How many files hold the merchants, the index says.
"""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from merchantroute_worker.orders.route import ConfigurationError, Route, parse
from merchantroute_worker.runtime.threads import sleep, until_beat

log = logging.getLogger(__name__)
POLL = 0.5
SHOWN = 20
"""Merchants of a configuration that are not understood, as many as are logged."""


def load(config_dir: Path, credentials_dir: Path) -> Route:
    """Read both directories. ConfigurationError says in one line what is missing, or does not match yet."""
    index = _document(config_dir / "index.json")
    documents = {name: _verified(config_dir / name, digest) for name, digest in _files(index).items()}
    if "route.json" not in documents:
        raise ConfigurationError(f"{config_dir}/index.json lists no route.json")
    keys = _document(credentials_dir / "index.json")
    if keys.get("generation") != index.get("credentialsGeneration"):
        raise ConfigurationError(
            f"the configuration belongs to credentials generation {index.get('credentialsGeneration')}, "
            f"mounted are those of {keys.get('generation')}"
        )
    credentials = [_verified(credentials_dir / name, digest) for name, digest in _files(keys).items()]
    merchants = [document for name, document in documents.items() if name.startswith("merchants-")]
    own = documents.get("own.json")
    return parse(index=index, route=documents["route.json"], merchants=merchants, credentials=credentials, own=own)


def _files(index: dict[str, Any]) -> dict[str, str]:
    files = index.get("files")
    if not isinstance(files, dict):
        raise ConfigurationError("an index lists no files")
    return files


def _document(path: Path) -> dict[str, Any]:
    return _json(path, _read(path))


def _verified(path: Path, digest: str) -> dict[str, Any]:
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ConfigurationError(f"{path} is not yet the version its index names")
    return _json(path, data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{str(path)!r} is no name of a file: {error}") from None


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} is not a JSON object")
    return document


class ConfigurationFiles:
    """The newest complete configuration; reloads it when the files change.

    `problem` is the line that says why the newest files were not loaded, None when they were.
    """

    def __init__(self, config_dir: Path, credentials_dir: Path) -> None:
        self._directories = (config_dir, credentials_dir)
        self._seen: tuple[Any, ...] | None = None
        self._listeners: list[Callable[[Route], None]] = []
        self._loaded = threading.Event()
        self._configuration: Route | None = None
        self.problem: str | None = "not read yet"

    @property
    def current(self) -> Route:
        """The newest complete configuration; only after `wait` has returned True."""
        assert self._configuration is not None, "wait() for the configuration first"  # noqa: S101
        return self._configuration

    @property
    def generation(self) -> int:
        """The generation in use, 0 before the first."""
        return self._configuration.generation if self._configuration else 0

    def on_change(self, listener: Callable[[Route], None]) -> None:
        """Call the listener with each configuration that is loaded from now on."""
        self._listeners.append(listener)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there is a configuration; False when the timeout (seconds) came first."""
        return bool(self._loaded.wait(timeout))

    def poll_forever(self) -> None:
        """Poll the directories twice a second, for as long as the process lives."""
        while True:
            self.poll()
            sleep(until_beat(POLL))

    def poll(self) -> None:
        """Load the files if they have changed since the last load and belong together."""
        seen = tuple(_fingerprint(directory) for directory in self._directories)
        if seen == self._seen:
            return
        try:
            configuration = load(*self._directories)
        except ConfigurationError as error:
            if str(error) != self.problem:
                log.warning("configuration not taken, generation %s stays: %s", self.generation, error)
            self.problem = str(error)
            return
        self._seen, self.problem = seen, None
        self._configuration = configuration
        self._loaded.set()
        age = time.time() - configuration.rendered_at
        log.info("configuration generation %s taken, %.1f s after it was rendered", configuration.generation, age)
        for merchant, why in list(configuration.not_understood.items())[:SHOWN]:
            log.error("orders of a merchant wait: %s", why, extra={"data": {"merchant": merchant}})
        for why in configuration.own_not_understood[:SHOWN]:
            log.error(why)
        for listener in self._listeners:
            listener(configuration)


def _fingerprint(directory: Path) -> tuple[Any, ...]:
    """Names, times, sizes and inodes: they change when the kubelet swaps a volume, or when plain files are written."""
    marks = []
    # Not Path.glob: twice a second for dozens of files, it was a fifth of the CPU of an idle pod.
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat()
                marks.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(sorted(marks))
