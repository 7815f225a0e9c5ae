"""The entry point of `merchantroute-worker` and of `python -m merchantroute_worker`.

Signals are handled before all else, because process 1 of a container loses those it has no handler for. gevent must
patch before anything else is imported, so only the launcher is imported after that.
"""

from merchantroute_worker.runtime.ending_signals import ending_signals

ending_signals.install()

from merchantroute_worker import launcher  # noqa: E402


def main() -> None:
    """Run the program."""
    launcher.main()


if __name__ == "__main__":
    main()
