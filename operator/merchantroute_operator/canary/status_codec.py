"""Reads and writes ``status.canaries``, and parses the canary annotation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from merchantroute_operator.canary.progress import Phase, Progress, Tally, Verb
from merchantroute_operator.spec.route import Raw

_VERBS = ("abort", "promote")


def from_status(status: Raw) -> dict[str, Progress]:
    """Tier -> progress. What cannot be read is as if it were not there: that canary begins anew."""
    found = {}
    for entry in status.get("canaries") or ():
        try:
            progress = _read(entry)
        except (KeyError, TypeError, ValueError):
            continue
        found[progress.tier] = progress
    return found


def to_status(canaries: Iterable[Progress]) -> list[dict[str, Any]]:
    """For ``status.canaries``."""
    return [
        {
            "tier": each.tier,
            "phase": str(each.phase),
            "weight": each.weight,
            **({"step": each.step} if each.step is not None else {}),
            "since": datetime.fromtimestamp(each.since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "plan": each.plan,
            "message": each.message[:1000],
            **({"stable": _written(each.stable)} if each.stable is not None else {}),
        }
        for each in canaries
    ]


def parse_annotation(annotation: str) -> tuple[Verb, str] | None:
    """(verb, tier) of ``abort:<tier>`` or ``promote:<tier>``; None for anything else."""
    verb, _, tier = annotation.partition(":")
    return (cast(Verb, verb), tier) if verb in _VERBS and tier else None


def _read(entry: Raw) -> Progress:
    return Progress(
        tier=entry["tier"],
        phase=Phase(entry["phase"]),
        weight=int(entry["weight"]),
        plan=entry["plan"],
        since=datetime.fromisoformat(entry["since"]).timestamp(),
        step=entry.get("step"),
        message=entry.get("message", ""),
        stable=_tally(entry["stable"]) if "stable" in entry else None,
    )


def _written(tally: Tally) -> dict[str, Any]:
    return {"attempts": tally.finished, "failed": tally.failed, "seconds": round(tally.busy_seconds, 3)}


def _tally(entry: Raw) -> Tally:
    return Tally(int(entry["attempts"]), int(entry["failed"]), float(entry["seconds"]))
