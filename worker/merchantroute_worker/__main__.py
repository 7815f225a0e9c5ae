"""`merchantroute-worker`, also as `python -m merchantroute_worker`: gevent patches before anything else is imported."""

from merchantroute_worker import launcher


def main() -> None:
    """The program."""
    launcher.main()


if __name__ == "__main__":
    main()
