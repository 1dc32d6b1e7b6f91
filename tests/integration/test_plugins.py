"""The examples of plugins in whole runs, in this process and in others."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from simulations.cli.main import app
from simulations.results.result_document import read_result
from tests.integration.commands import REPOSITORY
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

EXAMPLES = REPOSITORY / "examples" / "plugins"


def invoke(folder: Path, *options: object) -> Result:
    """A run over one platform in two parts."""
    parts = ["--source", "shop", "--platform", f"shop={folder / 'tiny'},users=0-55"]
    parts += ["--platform", f"branch={folder / 'tiny'},users=55-100", "--report", "branch"]
    parts += ["--encoder", "tiny", "--features", FEATURES, "--rounds", "1", "--out", str(folder / "out")]
    return CliRunner().invoke(app, ["run", *parts, *map(str, options)])


def run(folder: Path, *options: object) -> dict[str, Any]:
    """The result of such a run."""
    done = invoke(folder, *options)
    assert done.exit_code == 0, done.exception
    return read_result(folder / "out" / "result.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_folder(tmp_path / "tiny")
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_scorer_joins_every_stack(folder: Path, jobs: int) -> None:
    file = EXAMPLES / "rp3beta.py"
    found = run(folder, "--plugin", file, "--methods", "stack", "--jobs", jobs)
    assert found["config"]["plugin"]["file"] == str(file)
    assert found["platforms"]["branch"]["scorers"]["rp3beta"] > 0
    assert "rp3beta" in found["platforms"]["branch"]["methods"]["stack"]["weights"]


def test_an_aggregation_takes_the_servers_step_and_its_fault_ends_as_one_sentence(folder: Path) -> None:
    late = folder / "late.py"
    late.write_text(
        (EXAMPLES / "trimmed_mean.py")
        .read_text()
        .replace(
            "        del round_number",
            "        if len(encoder) > 1000:\n            updates[99]\n        del round_number",
        )
    )
    done = invoke(folder, "--plugin", late, "--methods", "federated", "--jobs", 1)
    assert re.search(r"aggregation 'trimmed-mean' failed at line \d+: IndexError", str(done.exception))


def test_the_trimmed_mean_runs(folder: Path) -> None:
    found = run(folder, "--plugin", EXAMPLES / "trimmed_mean.py", "--methods", "federated", "--jobs", 1)
    assert found["config"]["aggregation"] == "trimmed-mean"
    assert found["platforms"]["branch"]["methods"]["federated"]["ndcg@10"] > 0


def test_a_scorers_fault_on_a_platform_ends_as_one_sentence(folder: Path) -> None:
    late = folder / "late.py"
    late.write_text(
        (EXAMPLES / "rp3beta.py")
        .read_text()
        .replace(
            "        return [torch",
            "        if batch.n_items == 60:\n            batch.nothing()\n        return [torch",
        )
    )
    done = invoke(folder, "--plugin", late, "--methods", "stack", "--jobs", 2)
    assert "scorer 'rp3beta' failed at line" in str(done.exception)
