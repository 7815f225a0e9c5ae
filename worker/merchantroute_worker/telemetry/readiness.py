"""Whether the pod consumes, and if not, what it waits for: one line for readiness, logs and people."""

import logging

log = logging.getLogger(__name__)


class Readiness:
    """Starts out waiting. A line is logged when it changes, not each time it is said."""

    def __init__(self) -> None:
        self._line: str | None = "starting"

    @property
    def ready(self) -> bool:
        """Whether orders are being taken."""
        return self._line is None

    @property
    def line(self) -> str:
        """What the pod waits for, or that it consumes."""
        return self._line or "consuming"

    def waiting(self, line: str) -> None:
        """The pod cannot take orders; `line` says what it waits for."""
        if line != self._line:
            log.warning("waiting: %s", line)
        self._line = line

    def consuming(self) -> None:
        """Orders are being taken."""
        if self._line is not None:
            log.info("consuming")
        self._line = None
