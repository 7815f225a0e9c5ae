"""A JSON file, written whole or not at all."""

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, document: Any) -> None:
    """Any document, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=2) + "\n")
    temporary.replace(path)
