"""Errors in arguments are answered in one line that says what to write."""

import os
import sys
from pathlib import Path
from subprocess import run

import pytest
from click.testing import CliRunner, Result

from merchantroute_worker.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "amqp://pos:s3cr3t@127.0.0.1:1/orders"


def dead(*arguments: str, **env: str | None) -> Result:
    unset = dict.fromkeys(["MR_BROKER", "MR_ROUTE", "MR_NAMESPACE"])
    return CliRunner(env={**unset, **env}).invoke(main, ["dead", *arguments])


def told(*arguments: str) -> str:
    result = dead(*arguments, MR_BROKER=NOWHERE, MR_ROUTE="orders/pos")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return " ".join(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--reason", "max_age"], "'max_age' is no reason of a dead letter: one of malformed"),
        (["list", "--since", "yesterday"], "write 2h (so long ago) or 2026"),
        (["list", "--since", "1h", "--until", "2h"], "--since is not before --until"),
        (["list", "--limit", "-1"], "-1 is not in the range x>=0"),
        (["list", "o-1"], "unexpected extra argument"),
        (["show"], "Missing argument 'ORDER_ID'"),
        (["replay", "--rate", "fast"], "write 50/s, 600/m, or max"),
        (["replay", "o-1", "--reason", "max-age"], "name orders, or give filters, not both"),
        (["drop", "o-1", "--since", "2h"], "name orders, or give filters, not both"),
        (["drop", "--yes"], "name orders, give a filter, or say --all"),
        (["drop", "--all", "--merchant", "bistro"], "--all and a filter, or orders, contradict each other"),
        (["list", "--ca", "/nowhere/ca.crt"], "'/nowhere/ca.crt' does not exist"),
    ],
)
def test_a_wrong_argument_is_answered_with_a_right_one(arguments: list[str], said: str) -> None:
    assert said in told(*arguments)


@pytest.mark.parametrize("command", [["list"], ["show", "o-1"], ["replay", "--yes"], ["drop", "--all", "--yes"]])
def test_a_broker_that_is_not_there_is_one_line_without_the_password(command: list[str]) -> None:
    result = dead(*command, "--route", "orders/pos", "--broker", NOWHERE)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the broker pos@127.0.0.1:1/orders cannot be reached: ")
    assert len(result.stderr.splitlines()) == 1
    assert "s3cr3t" not in result.output


def test_a_host_that_is_not_known_here_may_be_the_cluster_s() -> None:
    result = dead("list", "--route", "orders/pos", "--broker", "amqp://pos:s3cr3t@rabbitmq-pos.orders.invalid")

    assert result.exit_code == 1
    assert "rabbitmq-pos.orders.invalid is not known here" in result.stderr
    assert "port-forward" in result.stderr
    assert "s3cr3t" not in result.output


def test_without_a_route_it_asks_which() -> None:
    assert "which route? Say --route NAMESPACE/NAME" in dead("list", "--broker", NOWHERE).stderr
    assert "in which namespace is the route pos?" in dead("list", "--broker", NOWHERE, "--route", "pos").stderr
    assert "cannot be reached" in dead("list", "--broker", NOWHERE, MR_NAMESPACE="orders", MR_ROUTE="pos").stderr


def test_without_kubectl_and_without_a_broker_it_says_so() -> None:
    result = dead("list", "--route", "orders/pos", PATH="/nowhere")

    assert result.exit_code == 1
    assert (
        result.stderr
        == "Error: kubectl is not on PATH: install it, or give the broker itself with --broker or MR_BROKER\n"
    )


def test_help_tells_every_command() -> None:
    shown = CliRunner().invoke(main, ["dead", "--help"]).output

    assert [name for name in ("list", "show", "replay", "drop") if f"\n  {name} " not in shown] == []


def merchant(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(main, ["merchant", *arguments])


def test_help_tells_every_command_about_merchants() -> None:
    shown = CliRunner().invoke(main, ["merchant", "--help"]).output

    assert [name for name in ("list", "isolate", "hold", "release") if f"\n  {name} " not in shown] == []


@pytest.mark.parametrize("wrong", ["0s", "30", "forever", "366d", "-5m", ""])
def test_how_long_is_a_time_that_ends(wrong: str) -> None:
    result = merchant("hold", "hut", "--route", "orders/pos", f"--for={wrong}")

    assert result.exit_code == 2
    assert "write how long, such as 30m, 2h or 1d" in result.stderr
    assert merchant("hold", "hut", "--route", "orders/pos").exit_code == 2  # and it must be said


def test_a_merchant_is_sought_nowhere_but_through_kubectl() -> None:
    for command in (["list"], ["release", "hut"], ["hold", "hut", "--for", "1m"], ["isolate", "hut", "--for", "1m"]):
        result = merchant(*command, "--route", "orders/pos", PATH="/nowhere")
        assert (result.exit_code, result.stderr) == (1, "Error: kubectl is not on PATH: install it\n")


def test_what_no_order_can_name_is_refused_before_anything_is_read() -> None:
    assert "1 to 255 bytes" in merchant("hold", "m" * 256, "--for", "1m", "--route", "orders/pos", PATH="/x").stderr
    assert "1 to 255 bytes" in merchant("release", "", "--route", "orders/pos", PATH="/x").stderr


def test_it_starts_without_what_only_pods_need() -> None:
    asked = "import sys, merchantroute_worker.cli.main; print(*{'gevent', 'celery', 'kombu'} & set(sys.modules))"

    source = {**os.environ, "PYTHONPATH": str(ROOT / "worker")}
    ended = run([sys.executable, "-c", asked], capture_output=True, text=True, env=source)

    assert (ended.stdout.strip(), ended.stderr) == ("", "")
