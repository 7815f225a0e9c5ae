"""The route's rules, read from the pod's mounted configuration in whichever process asks, and anew when they change."""

import json
import os
from pathlib import Path
from threading import Lock

from merchantroute_worker.config.identity import CONFIG_DIR
from merchantroute_worker.egress.rules import Egress, parse_egress


class NoRules(RuntimeError):
    """There is no route's configuration to judge by."""


class RouteRules:
    """The rules of the route whose configuration is in a folder; without one that of the pod's environment."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or Path(os.environ.get("MR_CONFIG_DIR") or CONFIG_DIR)) / "route.json"
        self._seen: tuple[int, int, int] | None = None
        self._rules: Egress | None = None
        self._lock = Lock()

    def __call__(self) -> Egress:
        """Give the newest rules, the same object until they change. NoRules where there is nothing to read."""
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen or self._rules is None:
                self._read(seen)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            # The kubelet swaps whole folders: what cannot be read is none of its doing, and the last rules hold.
            if self._rules is None:
                raise NoRules(
                    f"{self._file} cannot be read ({error}): the guard works in a route's pod; elsewhere, set "
                    "MR_CONFIG_DIR to a folder with a route.json, or give GuardedAdapter its rules"
                ) from None
        assert self._rules is not None  # noqa: S101 - NoRules otherwise
        return self._rules

    def _read(self, seen: tuple[int, int, int]) -> None:
        with self._lock:
            rules = parse_egress(json.loads(self._file.read_bytes()).get("egress"))
            if rules != self._rules:
                self._rules = rules
            self._seen = seen

    def __reduce__(self) -> tuple[type["RouteRules"], tuple[Path]]:
        return RouteRules, (self._file.parent,)
