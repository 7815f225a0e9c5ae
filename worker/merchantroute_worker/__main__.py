"""The entry point of `merchantroute-worker` and of `python -m merchantroute_worker`.

gevent must patch before anything else is imported, so only the launcher is imported here.
"""

from merchantroute_worker import launcher


def main() -> None:
    """Run the program."""
    launcher.main()


if __name__ == "__main__":
    main()
