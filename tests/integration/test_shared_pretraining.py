"""Two runs with one source: it is pretrained once, and each ends as if it had pretrained it itself."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulations.config.run_config import RunConfig
from simulations.results.result_document import read_result, without_times
from simulations.run.run_command import execute
from simulations.run.whole_run import run as run_methods
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

PRETRAINS = "pretrain"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_folder(tmp_path_factory.mktemp("data") / "tiny")


def config(folder: Path, *, source: str = "users=0-55", target: str = "users=55-100", **changes: Any) -> RunConfig:
    options = {
        "source": "shop",
        "platform": [f"shop={folder},{source}", f"branch={folder},{target}"],
        "report": "branch",
        "methods": "local,zero-shot,feature",
        "encoder": "tiny",
        "features": FEATURES,
    }
    return RunConfig.from_dict(options | changes)


def pretrains(config: RunConfig, out: Path, pretrained: Path | None) -> bool:
    """Whether the run pretrains its source."""
    said: list[str] = []
    execute(config, out, runner=partial(run_methods, pretrained=pretrained), say=said.append, force=False)
    return any(PRETRAINS in step for step in said)


@pytest.fixture(scope="module")
def kept(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first run leaves of its source's pretraining; nothing changes it."""
    first = tmp_path_factory.mktemp("first")
    assert pretrains(config(folder, target="users=55-80"), first / "out", first / "pretrained")
    return first / "pretrained"


def test_the_second_run_of_a_source_does_not_pretrain_it_and_finds_the_same(folder, kept, tmp_path) -> None:
    assert not pretrains(config(folder), tmp_path / "second", kept)
    assert pretrains(config(folder), tmp_path / "alone", None)
    second, alone = (without_times(read_result(tmp_path / name / "result.json")) for name in ("second", "alone"))
    assert second == alone


@pytest.mark.parametrize(
    "changes",
    [{"source": "users=0-50"}, {"encoder": "small"}, {"seed": 1}, {"min_user_events": 7}],
    ids=["users", "preset", "seed", "preparation"],
)
def test_another_source_preset_seed_or_preparation_is_pretrained_for_itself(folder, kept, tmp_path, changes) -> None:
    copy = shutil.copytree(kept, tmp_path / "pretrained")
    assert pretrains(config(folder, **changes), tmp_path / "second", copy)
