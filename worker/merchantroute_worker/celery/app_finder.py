"""Finds the Celery app named by `--app`: `module`, `module:attribute`, or a package with a module `celery`."""

import importlib
from types import ModuleType
from typing import Any

from celery import Celery


class AppNotFound(Exception):
    """No Celery app has that name; the text is the error to print."""


def find(name: str) -> Any:
    """Import the app. AppNotFound says what was tried."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise AppNotFound(f"cannot import the app {name!r}: {type(error).__name__}: {error}") from error
    if attribute:
        found = getattr(module, attribute, None)
    else:
        found = next((app for app in (getattr(module, n, None) for n in ("app", "celery")) if _is_app(app)), None)
        found = found or next((value for value in vars(module).values() if _is_app(value)), None)
        found = found or _submodule(module)
    if not _is_app(found):
        raise AppNotFound(f"{name!r} has no Celery app: name it as module:attribute")
    return found


def _submodule(module: ModuleType) -> Any:
    """Celery's own convention: a package's app is in its module `celery`."""
    if not hasattr(module, "__path__"):
        return None
    try:
        return getattr(importlib.import_module(f"{module.__name__}.celery"), "app", None)
    except ImportError:
        return None


def _is_app(value: Any) -> bool:
    return isinstance(value, Celery)
