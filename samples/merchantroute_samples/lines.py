"""The lines of samples/orders.jsonl, read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One line of the sample: `malformed` is the reason that its dead letter must carry, or None for a good order."""

    number: int
    merchant: str
    order: Any
    malformed: str | None = None

    def body(self, order_id: str) -> Any:
        """The order as it is published under this id; what is no JSON object cannot carry one."""
        return {"id": order_id, **self.order} if isinstance(self.order, dict) else self.order


def read(path: Path) -> list[Line]:
    """All lines, in order. ValueError names the first line that is none."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        try:
            raw = json.loads(text)
            lines.append(Line(raw["line"], raw["merchant"], raw["order"], raw.get("malformed")))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error!r}") from error
    return lines
