"""What is installed is compared with what the worker was tested with."""

from importlib import metadata

import pytest

from merchantroute_worker.runtime.versions import BOUNDS, unfit

# As the releases state it.
REQUIRED: dict[str, list[str]] = {
    "5.5": ["billiard<5.0,>=4.2.1", "kombu<5.6,>=5.5.2", "vine<6.0,>=5.1.0", "click<9.0", 'pytest; extra == "x"'],
    "5.6": ["billiard<5.0,>=4.2.1", "kombu>=5.6.0", "vine<6.0,>=5.1.0"],
    "5.7": ["billiard>=4.3.2", "kombu>=5.7.0", "vine<6.0,>=5.1.0"],
}
KOMBU = ["amqp<6.0.0,>=5.1.1", "vine==5.1.0", 'tzdata>=2025.2; python_version >= "3.9"']


def install(monkeypatch: pytest.MonkeyPatch, **others: str) -> None:
    """Have pip's metadata say so; what is not named fits."""
    versions = {name: bounds.split(",")[0].removeprefix(">=") for name, bounds in BOUNDS.items()} | others

    def version(name: str) -> str:
        if not versions[name]:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", {"celery": REQUIRED.get(versions["celery"][:3]), "kombu": KOMBU}.get)


@pytest.mark.parametrize("version", ["5.7", "5.7.0", "5.7.9", "5.7.1rc1", "5.7.0.post1"])
def test_within_the_bounds_nothing_is_said(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, celery=version, kombu="5.7", billiard="4.3.2")

    assert unfit() == ""


@pytest.mark.parametrize(
    ("celery", "kombu"), [("5.5", "5.5.2"), ("5.5.3", "5.5.4"), ("5.6", "5.6.0"), ("5.6.3", "5.7.0")]
)
def test_an_older_celery_has_its_own_kombu(monkeypatch: pytest.MonkeyPatch, celery: str, kombu: str) -> None:
    install(monkeypatch, celery=celery, kombu=kombu)

    assert unfit() == ""


@pytest.mark.parametrize(
    ("versions", "named", "wanted"),
    [
        ({"celery": "5.5.3", "kombu": "5.7.0"}, "kombu 5.7.0", "'kombu<5.6,>=5.5.2'"),
        ({"celery": "5.6.3", "kombu": "5.5.4"}, "kombu 5.5.4", "'kombu>=5.6.0'"),
        (
            {"celery": "5.7.0", "kombu": "5.6.2", "billiard": "4.3.0"},
            "billiard 4.3.0, kombu 5.6.2",
            "'billiard>=4.3.2' 'kombu>=5.7.0'",
        ),
    ],
)
def test_what_celery_itself_does_not_go_with_is_said(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], named: str, wanted: str
) -> None:
    install(monkeypatch, **versions)

    beside = f"celery {versions['celery']}, kombu {versions['kombu']}"
    assert unfit() == f"installed are {named}, which do not go with {beside}: pip install {wanted}"


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
