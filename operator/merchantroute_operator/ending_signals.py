"""Ends the operator at SIGTERM or SIGINT from the moment this module is imported, before all others.

A container's program is process 1, and the kernel discards signals that process 1 has no handler for. kopf installs its
own handlers while the operator is active; before that, and in a standby, nothing has been begun.
"""

import os
import signal


def _end_at_once(*_: object) -> None:
    os._exit(0)


for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, _end_at_once)
