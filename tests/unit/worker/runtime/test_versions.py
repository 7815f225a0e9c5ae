"""What is installed is compared with what the worker was tested with."""

from importlib import metadata

import pytest

from merchantroute_worker.runtime.versions import BOUNDS, unfit


def install(monkeypatch: pytest.MonkeyPatch, **others: str) -> None:
    """Have pip's metadata say so; what is not named fits."""
    versions = {name: bounds.split(",")[0].removeprefix(">=") for name, bounds in BOUNDS.items()} | others

    def version(name: str) -> str:
        if not versions[name]:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)


@pytest.mark.parametrize("version", ["5.5", "5.5.0", "5.6.3", "5.7.0", "5.7.9", "5.7.1rc1", "5.7.0.post1"])
def test_within_the_bounds_nothing_is_said(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, celery=version)

    assert unfit() == ""


@pytest.mark.parametrize("version", ["5.4.0", "5.8", "5.8.0b1", "6", "4"])
def test_one_that_does_not_fit_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, celery=version)

    assert unfit() == (
        f"installed are celery {version}, which this worker is not tested with: pip install 'celery>=5.5,<5.8'"
    )


def test_all_of_them_are_in_the_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, amqp="5.4.1", vine="")

    assert unfit() == (
        "installed are amqp 5.4.1, vine is missing, which this worker is not tested with: "
        "pip install 'amqp>=5.4.2,<5.5' 'vine>=5.1,<5.2'"
    )
