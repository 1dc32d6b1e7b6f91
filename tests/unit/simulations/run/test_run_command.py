"""What the command does around a run: it claims the folder, writes the files, and saves what a stopped run has."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from shared.errors import ConfigError
from simulations.config.run_config import RunConfig
from simulations.results.outcomes import MethodOutcome, PlatformSummary
from simulations.results.result_document import read_result
from simulations.results.table import markdown_table, rich_table
from simulations.run.run_command import execute
from simulations.run.run_recorder import RunRecorder
from simulations.run.termination import RunStopped
from tests.devices import needs_no_cuda
from tests.unit.client.data.folders import write_folder

FILES = {"result.json", "per_user.parquet", "report.html", "work"}
CONFIG = RunConfig.from_dict({})


def quiet(_line: str) -> None:
    return


def outcome(method: str) -> MethodOutcome:
    ones, none = np.ones(2), np.zeros(2, dtype=bool)
    return MethodOutcome(
        platform="<shop>",
        method=method,
        seed=0,
        users=np.arange(2),
        ndcg=ones if method == "feature" else ones / 2,
        recall=ones,
        reciprocal_rank=ones,
        coverage=0.5,
        cold_users=none,
        cold_items=none,
        weights={"linear": 0.15},
    )


def two_methods(_config: RunConfig, recorder: RunRecorder, _work: Path) -> None:
    with recorder.step("rank"):
        summary = PlatformSummary(name="<shop>", users=2, items=9, events=8, train_users=2, test_users=2)
        recorder.add_platform(summary, seed=0)
        recorder.add_outcome(outcome("local"))
        recorder.add_outcome(outcome("feature"))


def stopped_after_two(config: RunConfig, recorder: RunRecorder, work: Path) -> None:
    two_methods(config, recorder, work)
    raise KeyboardInterrupt


def ended_after_two(config: RunConfig, recorder: RunRecorder, work: Path) -> None:
    two_methods(config, recorder, work)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def stopped_at_once(_config: RunConfig, _recorder: RunRecorder, _work: Path) -> None:
    raise KeyboardInterrupt


def test_writes_a_result_its_users_and_a_report(tmp_path: Path) -> None:
    said: list[str] = []
    document = execute(CONFIG, tmp_path / "out", runner=two_methods, say=said.append, force=False)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert document["complete"]
    assert said == ["rank"]


def test_escapes_names_and_needs_no_network_and_no_script_of_others(tmp_path: Path) -> None:
    execute(CONFIG, tmp_path, runner=two_methods, say=quiet, force=False)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;shop&gt;" in page
    assert "<shop>" not in page
    assert "feature +100.0 % [+100.0, +100.0] over local, better beyond noise." in page
    assert page.count("<script") == page.count("<script>") == 1
    assert 'src="' not in page
    assert "<link" not in page


def test_labels_a_synthetic_run_in_page_and_tables(tmp_path: Path) -> None:
    document = execute(CONFIG, tmp_path, runner=two_methods, say=quiet, force=False)
    assert "<strong>Synthetic.</strong>" in (tmp_path / "report.html").read_text()
    assert markdown_table(document).startswith("Synthetic world: no real data")
    assert "| <shop> (synthetic) | feature | 1.0000 |" in markdown_table(document)
    assert "Synthetic" in str(rich_table(document, 120).title)


def test_refuses_a_folder_that_holds_files_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"out must be a new or empty folder \(or give --resume to go on, or --force\)"
    ):
        execute(CONFIG, tmp_path, runner=two_methods, say=quiet, force=False)
    assert (tmp_path / "result.json").read_text() == "mine"
    execute(CONFIG, tmp_path, runner=two_methods, say=quiet, force=True)
    assert read_result(tmp_path / "result.json")["complete"]


@pytest.mark.parametrize("resume", [False, True])
def test_leaves_a_folder_alone_in_which_another_run_works(tmp_path: Path, resume: bool) -> None:
    def meanwhile(config: RunConfig, recorder: RunRecorder, work: Path) -> None:
        (work / "half").write_text("mine")
        with pytest.raises(ConfigError, match=f"{tmp_path}: a run works in it already, as process {os.getpid()}$"):
            execute(CONFIG, tmp_path, runner=stopped_at_once, say=quiet, force=not resume, resume=resume)
        assert (work / "half").read_text() == "mine"
        two_methods(config, recorder, work)

    assert execute(CONFIG, tmp_path, runner=meanwhile, say=quiet, force=False)["complete"]
    execute(CONFIG, tmp_path, runner=two_methods, say=quiet, force=True)


@needs_no_cuda
def test_says_which_device_was_used(tmp_path: Path) -> None:
    document = execute(CONFIG, tmp_path / "out", runner=two_methods, say=quiet, force=False)
    assert CONFIG.to_dict()["device"] == "auto"
    assert document["config"]["device"] == "cpu"


@needs_no_cuda
def test_refuses_a_gpu_that_is_not_there_before_it_makes_a_folder(tmp_path: Path) -> None:
    config = RunConfig.from_dict({"device": "cuda"})
    with pytest.raises(ConfigError, match="device cuda needs a GPU"):
        execute(config, tmp_path / "out", runner=two_methods, say=quiet, force=False)
    assert not (tmp_path / "out").exists()


def test_refuses_a_platform_without_a_folder_before_it_makes_one(tmp_path: Path) -> None:
    config = RunConfig.from_dict({"platform": [f"shop={tmp_path / 'none'}"], "source": "shop"})
    with pytest.raises(ConfigError, match="must be a platform folder; it has no items"):
        execute(config, tmp_path / "out", runner=two_methods, say=quiet, force=False)
    assert not (tmp_path / "out").exists()


def test_names_a_missing_folder_before_a_missing_source(tmp_path: Path) -> None:
    config = RunConfig.from_dict({"platform": [f"shop={tmp_path / 'none'}"]})
    with pytest.raises(ConfigError, match="must be a platform folder; it has no items"):
        execute(config, tmp_path / "out", runner=two_methods, say=quiet, force=False)


def test_refuses_a_method_that_needs_a_source_where_none_is_named(tmp_path: Path) -> None:
    config = RunConfig.from_dict({"platform": [f"shop={write_folder(tmp_path / 'shop')}"]})
    with pytest.raises(ConfigError, match="source must name a platform, since zero-shot starts from its encoder"):
        execute(config, tmp_path / "out", runner=two_methods, say=quiet, force=False)
    assert not (tmp_path / "out").exists()


def test_saves_what_was_ready_when_stopped_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunStopped, match="stopped; saved 2 results") as stopped:
        execute(CONFIG, tmp_path, runner=stopped_after_two, say=quiet, force=False)
    assert stopped.value.code == 130
    assert not read_result(tmp_path / "result.json")["complete"]
    assert "<strong>Not complete.</strong>" in (tmp_path / "report.html").read_text()


def test_says_that_nothing_was_ready_when_stopped_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunStopped, match="nothing was saved"):
        execute(CONFIG, tmp_path, runner=stopped_at_once, say=quiet, force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_saves_what_was_ready_when_it_was_asked_to_end(tmp_path: Path) -> None:
    with pytest.raises(RunStopped, match="stopped; saved 2 results") as stopped:
        execute(CONFIG, tmp_path, runner=ended_after_two, say=quiet, force=False)
    assert stopped.value.code == 143
    assert not read_result(tmp_path / "result.json")["complete"]
