"""Whether the pod consumes, and if not, what it waits for: one line for readiness, logs and people."""

import logging

log = logging.getLogger(__name__)


class Readiness:
    """Starts out waiting. A line is logged when it changes, not each time it is said."""

    def __init__(self) -> None:
        self._text: str | None = "starting"

    @property
    def ready(self) -> bool:
        """Whether orders are being taken."""
        return self._text is None

    @property
    def text(self) -> str:
        """What the pod waits for, or that it consumes."""
        return self._text or "consuming"

    def waiting_for(self, text: str) -> None:
        """The pod cannot take orders; `line` says what it waits for."""
        if text != self._text:
            log.warning("waiting: %s", text)
        self._text = text

    def consuming(self) -> None:
        """Orders are being taken."""
        if self._text is not None:
            log.info("consuming")
        self._text = None
