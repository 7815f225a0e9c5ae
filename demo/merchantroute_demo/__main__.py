"""`python -m merchantroute_demo run`: the last step of `make demo`."""

import asyncio
import sys
from pathlib import Path

import click

from merchantroute_demo.run import run
from merchantroute_demo.screen import Screen
from merchantroute_demo.settings import Settings
from merchantroute_kit.errors import StepFailed


@click.group(help=sys.modules["merchantroute_demo"].__doc__)
def main() -> None:
    """The program."""


@main.command("run")
@click.option("--kubeconfig", type=click.Path(path_type=Path), default=Path("build/kubeconfig-merchantroute"))
@click.option("--samples", type=click.Path(path_type=Path), default=Path("samples/orders.jsonl"))
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/demo.json"))
@click.option("--namespace", default=Settings.namespace, show_default=True)
@click.option("--route", default=Settings.route, show_default=True)
@click.option("--rate", default=Settings.rate, show_default=True, help="orders per second in all")
@click.option("--merchant", default=None, help="who hangs (default: the most popular one whose hang matters)")
@click.option("--healthy", default=Settings.healthy, show_default=True, help="healthy orders to measure per phase")
@click.option("--limit", default=Settings.limit, show_default=True, help="seconds for everything")
def run_demo(**chosen: object) -> None:
    """Replay orders past a hung merchant; exit 0 only if none was lost or doubled and no neighbour noticed."""
    settings = Settings(**chosen)  # type: ignore[arg-type] # click made the types from the options above
    with Screen() as screen:
        try:
            kept = asyncio.run(asyncio.wait_for(run(settings, screen), settings.limit))
        except StepFailed as failed:
            screen.say(f"FAILED at: {failed.step}\n  why: {failed.why}\n  what to do: {failed.todo}", style="bold red")
            kept = False
        except TimeoutError:
            screen.say(f"FAILED: the demo took longer than {settings.limit:.0f} s (--limit)", style="bold red")
            kept = False
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
