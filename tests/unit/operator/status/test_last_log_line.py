"""What a pod that ends again and again is quoted with: the line that says what to do, if there is one."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.status.ready import ready
from tests.unit.operator.status_views import a_view, one_pod, waiting

LOG = '{"level": "info", "message": "the worker starts"}'
LINE = (
    "merchantroute-worker cannot start: cannot import the app 'shop.app': ModuleNotFoundError: No module named 'shop'"
)


def said_of(log: str, **how: Any) -> str:
    """The message of Ready for a pod that ended four times with this as the tail of its log."""
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": log, **how}}
    answer = ready(a_view(**one_pod(**waiting("CrashLoopBackOff", lastState=ended, restartCount=3))))
    assert (answer.status, answer.reason) == ("False", "CrashLoop")
    return answer.message


@pytest.mark.parametrize(
    ("log", "how", "said"),
    [
        (f"{LINE}\n", {}, f"exit code 1: {LINE}"),
        # log and last line are two streams, so that either may come first
        (f"{LOG}\n{LOG}\n{LINE}\n", {}, f"exit code 1: {LINE}"),
        (f"{LOG}\n{LINE}\n{LOG}\n", {}, f"exit code 1: {LINE}"),
        # the container that ended before this one had another reason
        (f"{LINE} and more\n{LINE}\n", {}, f"exit code 1: {LINE}"),
        # an end that the launcher has no line for
        ("Traceback\n  line 1\nValueError: what a pity\n\n", {}, "exit code 1: ValueError: what a pity"),
        (LOG, {"reason": "OOMKilled", "exitCode": 137}, f"exit code 137 (OOMKilled): {LOG}"),
        ("", {"exitCode": 139}, "exit code 139: no message"),
    ],
)
def test_the_launchers_last_line_is_quoted_or_else_the_logs(log: str, how: dict[str, Any], said: str) -> None:
    assert said_of(log, **how) == f"pod pos-1: ended 4 times, {said}"


def test_a_long_line_is_cut_at_the_end_that_says_less() -> None:
    message = said_of(f"{LOG}\n{LINE}: {'x' * 5000}")
    assert LINE in message
    assert len(message) < 600
    assert said_of(f"{'x' * 5000} is not a number").endswith("x is not a number")
