"""Readiness: whether the pod consumes, and if not, what it waits for."""

import logging

log = logging.getLogger(__name__)


class Readiness:
    """The state behind /readyz. It starts as not ready, and is logged only when it changes."""

    def __init__(self) -> None:
        self._text: str | None = "starting"

    @property
    def ready(self) -> bool:
        """Whether the pod consumes."""
        return self._text is None

    @property
    def text(self) -> str:
        """What the pod waits for, or that it consumes."""
        return self._text or "consuming"

    def waiting_for(self, text: str) -> None:
        """Set the pod as not ready; `text` names what it waits for."""
        if text != self._text:
            log.warning("waiting: %s", text)
        self._text = text

    def consuming(self) -> None:
        """Set the pod as ready."""
        if self._text is not None:
            log.info("consuming")
        self._text = None
