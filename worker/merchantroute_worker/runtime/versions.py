"""The versions of the libraries whose private parts the worker uses, looked up before anything is asked of them.

An image of a team's own may hold others: pip installs whatever its requirements name. Such a worker may start, work,
and leave orders unacknowledged, so it says at its start what does not fit.
"""

import operator
import re
from importlib import metadata

BOUNDS = {
    "amqp": ">=5.4.2,<5.5",
    "billiard": ">=4.3,<4.4",
    "celery": ">=5.5,<5.8",
    "gevent": ">=26.9,<27",
    "geventhttpclient": ">=2.6,<2.7",
    "kombu": ">=5.5.2,<5.8",
    "vine": ">=5.1,<5.2",
}
"""By distribution, from the least version to below one: what `merchantroute[worker]` requires. The images hold our
packages as files, without the metadata in which pip keeps that.
"""
_BOUND = re.compile(r"([<>=!]=?)([\d.]+)")
_HOLDS = {
    ">=": operator.ge, ">": operator.gt, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_REQUIREMENT = re.compile(r"([a-z]+)([<>=!][<>=!,.\d]+)")
"""A requirement without an extra or a marker, as Celery and kombu state it of each other."""


def unfit() -> str:
    """Which installed versions the worker is not tested with, and what to install, in one line; empty for none."""
    installed = {name: _installed(name) for name in BOUNDS}
    wrong = {name: bounds for name, bounds in BOUNDS.items() if not _fits(installed[name], bounds)}
    if wrong:
        named = ", ".join(f"{name} {installed[name] or 'is missing'}" for name in wrong)
        return f"installed are {named}, which this worker is not tested with: pip install {_wanted(wrong)}"
    apart = {name: bounds for name, bounds in _required() if not _fits(installed[name], bounds)}
    if apart:
        named = ", ".join(f"{name} {installed[name]}" for name in apart)
        beside = f"celery {installed['celery']}, kombu {installed['kombu']}"
        return f"installed are {named}, which do not go with {beside}: pip install {_wanted(apart)}"
    return ""


def _required() -> list[tuple[str, str]]:
    """What Celery and kombu require of each other and of the rest; pip only warns where an image breaks it."""
    stated = [_REQUIREMENT.fullmatch(each) for name in ("celery", "kombu") for each in metadata.requires(name) or ()]
    return [(found[1], found[2]) for found in stated if found and found[1] in BOUNDS]


def _wanted(bounds: dict[str, str]) -> str:
    return " ".join(f"'{name}{versions}'" for name, versions in bounds.items())


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _fits(version: str, bounds: str) -> bool:
    found = _release(version)
    return bool(version) and all(_HOLDS[sign](found, _release(bound)) for sign, bound in _BOUND.findall(bounds))


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version, without zeros at their end. What follows them (a release candidate, a build) is not
    compared.
    """
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    release = [int(number) for number in numbers[0].split(".")] if numbers else []
    while release and not release[-1]:
        release.pop()
    return tuple(release)
