"""The versions of the libraries whose private parts the worker uses, looked up before anything is asked of them.

An image of a team's own may hold others: pip installs whatever its requirements name. Such a worker may start, work,
and leave orders unacknowledged, so it says at its start what does not fit.
"""

from importlib import metadata

BOUNDS = {
    "amqp": ">=5.4.2,<5.5",
    "billiard": ">=4.2.1,<4.4",
    "celery": ">=5.5,<5.8",
    "gevent": ">=26.9,<27",
    "geventhttpclient": ">=2.6,<2.7",
    "kombu": ">=5.5.2,<5.8",
    "vine": ">=5.1,<5.2",
}
"""By distribution, from the least version to below one: what `merchantroute[worker]` requires. The images hold our
packages as files, without the metadata in which pip keeps that.
"""


def unfit() -> str:
    """Which installed versions the worker is not tested with, and what to install, in one line; empty for none."""
    wrong = [(name, found) for name, found in ((name, _installed(name)) for name in BOUNDS) if not _fits(name, found)]
    if not wrong:
        return ""
    named = ", ".join(f"{name} {found or 'is missing'}" for name, found in wrong)
    wanted = " ".join(f"'{name}{BOUNDS[name]}'" for name, _ in wrong)
    return f"installed are {named}, which this worker is not tested with: pip install {wanted}"


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _fits(name: str, version: str) -> bool:
    least, below = BOUNDS[name].removeprefix(">=").split(",<")
    return bool(version) and _release(least) <= _release(version) < _release(below)


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version. What follows them (a release candidate, a build) is not compared."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
