"""`kubectl exec` into a worker pod: the command line finds route and broker in what the pod has, without kubectl."""

from pathlib import Path

from click.testing import CliRunner

from merchantroute_kit.worker import topology
from merchantroute_kit.worker.mounted_files import write_broker
from merchantroute_kit.worker.worker_process import environment_of
from merchantroute_worker.cli.main import main
from tests.contract.cli.dead_letter_user import DeadLetterUser


def test_the_letters_of_the_pod_s_own_route_are_listed(person: DeadLetterUser, tmp_path: Path) -> None:
    write_broker(tmp_path, person.vhost)
    person.bury(3)
    env = {**environment_of(tmp_path, "pod-0"), "PATH": str(tmp_path), "MR_BROKER": ""}

    told = CliRunner(env=env).invoke(main, ["dead", "list"])

    assert told.exit_code == 0, told.output
    assert f"3 letters in {topology.DEAD}: max-age 3" in told.stdout


def test_another_route_s_broker_may_be_another_one(person: DeadLetterUser, tmp_path: Path) -> None:
    write_broker(tmp_path, person.vhost)
    env = {**environment_of(tmp_path, "pod-0"), "PATH": str(tmp_path), "MR_BROKER": ""}

    told = CliRunner(env=env).invoke(main, ["dead", "list", "--route", f"{topology.NAMESPACE}/other"])

    assert told.exit_code == 1
    assert "kubectl" in told.stderr
