"""Processes as process 1 of a PID namespace, as in a container, that are told to end at a chosen moment."""

import os
from pathlib import Path

AS_PROCESS_1 = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
MOMENTS = Path(__file__).parent / "moments"


def told_at(moment: str, *more: Path) -> dict[str, str]:
    """Give the environment in which a Python process sends itself SIGTERM at this moment (moments/sitecustomize.py);
    `more` is put on its path too.
    """
    return {"MOMENT": moment, "PYTHONPATH": os.pathsep.join(map(str, (MOMENTS, *more)))}
