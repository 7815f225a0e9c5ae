"""Pods that load each generation of the configuration late, each its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.operator.pod_samples import a_pod


@dataclass(kw_only=True)
class LatePods:
    """``files`` are all generations, the first is empty; ``loaded`` says which of them each pod has."""

    files: list[str] = field(default_factory=lambda: [""])
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def start(self, tier: str) -> None:
        """One more pod, which loads the newest there is."""
        self.count += 1
        name = f"{tier}-{self.count}"
        self.pods[name], self.loaded[name] = a_pod(name, tier=tier), len(self.files) - 1

    def load_all(self) -> None:
        """Every pod has loaded the newest."""
        self.loaded = dict.fromkeys(self.pods, len(self.files) - 1)
