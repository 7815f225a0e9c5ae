"""SIGTERM ends an operator that was only just started: process 1 of a container loses what it has no handler for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.container import AS_PROCESS_1, told_at

OPERATOR = Path(__file__).resolve().parents[3] / "operator"


@pytest.mark.parametrize("moment", ["module:kopf", "call:Settings.from_env", "call:Health.serve"])
def test_it_ends_at_once(moment: str) -> None:
    ended = subprocess.run(
        [*AS_PROCESS_1, sys.executable, "-m", "merchantroute_operator"],
        env={**os.environ, **told_at(moment, OPERATOR), "KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
