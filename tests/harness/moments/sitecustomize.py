"""Sends SIGTERM to its own process at the first moment of the kind that MOMENT names; Python imports it by its name.

`import:N` is the Nth import of the process, `module:NAME` the import of that module, `call:FUNCTION` the first call of
a function of that qualified name.
"""

import itertools
import os
import signal
import sys
from typing import Any

kind, _, moment = os.environ.get("MOMENT", "").partition(":")
number = itertools.count(1)
sent = False


def told_to_end() -> None:
    global sent  # noqa: PLW0603 - a process is told once
    if not sent:
        sent = True
        os.kill(os.getpid(), signal.SIGTERM)


def imported(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "import" and moment in (arguments[0], str(next(number))):
        told_to_end()


def called(frame: Any, event: str, _argument: Any) -> None:
    if event == "call" and frame.f_code.co_qualname == moment:
        sys.setprofile(None)
        told_to_end()


if kind == "call":
    sys.setprofile(called)
elif kind:
    sys.addaudithook(imported)
