"""A pod whose libraries the worker was not tested with ends with one line, before it takes an order."""

from pathlib import Path

from merchantroute_kit.worker.worker_process import WorkerProcess


def test_the_last_line_names_the_version_and_what_to_install(tmp_path: Path) -> None:
    found = tmp_path / "celery-5.4.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: celery\nVersion: 5.4.0\n")

    worker = WorkerProcess(tmp_path, "pod", [], {"PYTHONPATH": str(tmp_path)})
    code = worker.wait(120)
    worker.close()

    assert (code, worker.log.read_text()) == (
        1,
        "merchantroute-worker cannot start: installed are celery 5.4.0, which this worker is not tested with: "
        "pip install 'celery>=5.5,<5.8'\n",
    )
