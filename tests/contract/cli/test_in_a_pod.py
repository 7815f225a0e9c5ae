"""`kubectl exec` into a worker pod: the command line finds route and broker in what the pod has, without kubectl."""

from pathlib import Path

from click.testing import CliRunner

from merchantroute_worker.cli.main import main
from tests.contract.cli.desk import Desk
from tests.worker import topology
from tests.worker.files import write_broker
from tests.worker.running import environment_of


def test_the_letters_of_the_pod_s_own_route_are_listed(desk: Desk, tmp_path: Path) -> None:
    write_broker(tmp_path, desk.vhost)
    desk.bury(3)
    env = {**environment_of(tmp_path, "pod-0"), "PATH": str(tmp_path), "MR_BROKER": ""}

    told = CliRunner(env=env).invoke(main, ["dead", "list"])

    assert told.exit_code == 0, told.output
    assert f"3 letters in {topology.DEAD}: max-age 3" in told.stdout


def test_another_route_s_broker_may_be_another_one(desk: Desk, tmp_path: Path) -> None:
    write_broker(tmp_path, desk.vhost)
    env = {**environment_of(tmp_path, "pod-0"), "PATH": str(tmp_path), "MR_BROKER": ""}

    told = CliRunner(env=env).invoke(main, ["dead", "list", "--route", f"{topology.NAMESPACE}/other"])

    assert told.exit_code == 1
    assert "kubectl" in told.stderr
