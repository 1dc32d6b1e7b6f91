"""A run that was stopped goes on, and ends as if it had not been."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shared.errors import ConfigError
from simulations.config.run_config import RunConfig
from simulations.results.result_document import read_result, versions, without_times
from simulations.run import run_identity
from simulations.run.run_command import execute
from simulations.run.termination import RunStopped
from simulations.run.whole_run import run as run_methods
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

RUNNER = partial(run_methods, jobs=1)


def config(folder: Path, **changes: Any) -> RunConfig:
    """Two seeds of everything that is kept: baselines, the three encoders, stacks and the gate."""
    options = {
        "source": "shop",
        "platform": [f"shop={folder},users=0-55", f"branch={folder},users=55-100"],
        "report": "branch",
        "methods": "popularity,local,feature,federated,pooled",
        "encoder": "tiny",
        "features": FEATURES,
        "rounds": 1,
        "seeds": 2,
    }
    return RunConfig.from_dict(options | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_folder(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture(scope="module")
def uninterrupted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of the same run, begun and ended in one."""
    out = tmp_path_factory.mktemp("uninterrupted")
    execute(config(folder), out, runner=RUNNER, say=lambda _line: None, force=False)
    return out


def stops_at(line: str, times: int) -> Callable[[str], None]:
    """Hears steps and presses Ctrl-C as this one begins for the last of so many times."""
    heard: list[str] = []

    def say(step: str) -> None:
        heard.append(step)
        if heard.count(line) == times:
            raise KeyboardInterrupt

    return say


def stop(folder: Path, out: Path, line: str, times: int = 1, *, resume: bool = False) -> None:
    with pytest.raises(RunStopped):
        execute(config(folder), out, runner=RUNNER, say=stops_at(line, times), force=False, resume=resume)


def go_on(folder: Path, out: Path, **changes: Any) -> list[str]:
    """The steps that are done when the run goes on."""
    said: list[str] = []
    execute(config(folder, **changes), out, runner=RUNNER, say=said.append, force=False, resume=True)
    return said


def check_same(out: Path, uninterrupted: Path) -> None:
    found, expected = (without_times(read_result(one / "result.json")) for one in (out, uninterrupted))
    assert json.dumps(found) == json.dumps(expected)
    assert pl.read_parquet(out / "per_user.parquet").equals(pl.read_parquet(uninterrupted / "per_user.parquet"))


STOPS = {
    # where it stops: steps that are not done again, steps that are
    ("rounds", 1): (("pretrain",), ("rounds",)),
    ("branch: gate", 1): ((), ("branch: gate",)),
    ("pooled", 2): (("pretrain", "rounds", "branch: popularity"), ("pooled", "branch: gate")),
}


@pytest.mark.parametrize("place", STOPS)
def test_ends_as_if_it_had_not_been_stopped(
    folder: Path, uninterrupted: Path, tmp_path: Path, place: tuple[str, int]
) -> None:
    line, times = place
    stop(folder, tmp_path / "out", line, times)
    said = go_on(folder, tmp_path / "out")
    check_same(tmp_path / "out", uninterrupted)
    spared, repeated = STOPS[place]
    left = 3 - times
    assert {step: said.count(step) for step in spared} == dict.fromkeys(spared, left - 1)
    assert {step: said.count(step) for step in repeated} == dict.fromkeys(repeated, left)


def test_may_be_stopped_again_and_a_file_that_is_not_whole_is_made_again(
    folder: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    stop(folder, tmp_path / "out", "pooled", 2)
    stop(folder, tmp_path / "out", "branch: rank", resume=True)
    kept = tmp_path / "out" / "work" / "kept" / "seed-0"
    for file in (kept / "encoders" / "source.safetensors", kept / "platforms" / "branch" / "stacks"):
        file.write_bytes(file.read_bytes()[:-100])
    said = go_on(folder, tmp_path / "out")
    check_same(tmp_path / "out", uninterrupted)
    assert said.count("pretrain") == 1
    assert said.count("branch: rank") == 2


def test_is_begun_in_a_new_folder_and_is_not_repeated_once_it_is_finished(
    folder: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert "pretrain" in go_on(folder, out, methods="popularity,feature", seeds=1)
    assert go_on(folder, out, methods="popularity,feature", seeds=1) == [f"{out} holds the finished run"]


def test_refuses_another_config_in_one_sentence(folder: Path, tmp_path: Path) -> None:
    stop(folder, tmp_path, "pretrain")
    with pytest.raises(ConfigError, match=r"resume needs the same run; .* was begun with rounds 1, now it is 2"):
        go_on(folder, tmp_path, rounds=2)


def test_refuses_another_version_other_code_and_other_data(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = write_tiny_folder(tmp_path / "tiny")
    out = tmp_path / "out"
    stop(moved, out, "prepare")
    with monkeypatch.context() as patched:
        patched.setattr(run_identity, "versions", lambda: {**versions(), "torch": "0.0.1"})
        with pytest.raises(ConfigError, match=r"was begun with torch \S+, now it is 0.0.1"):
            go_on(moved, out)
    with monkeypatch.context() as patched:
        patched.setattr(run_identity, "_sources", list)
        with pytest.raises(ConfigError, match="was begun with other code of Graft"):
            go_on(moved, out)
    events = pl.read_parquet(moved / "events.parquet")
    events.head(-1).write_parquet(moved / "events.parquet")
    with pytest.raises(ConfigError, match="was begun with other files of platform 'shop'"):
        go_on(moved, out)


def test_refuses_a_folder_that_holds_something_else(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"resume needs a run that was begun; .* holds files and none that can go on"):
        go_on(folder, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_begins_anew_in_the_folder_of_another_run_where_that_is_allowed(folder: Path, tmp_path: Path) -> None:
    short = {"methods": "popularity", "seeds": 1}
    go_on(folder, tmp_path, **short)
    said: list[str] = []
    execute(config(folder, **short, seed=1), tmp_path, runner=RUNNER, say=said.append, force=True, resume=True)
    assert said == ["prepare", "branch: popularity"]
    execute(config(folder, **short, seed=1), tmp_path, runner=RUNNER, say=said.append, force=True, resume=True)
    assert said[2:] == [f"{tmp_path} holds the finished run"]


def test_beginning_anew_keeps_nothing(folder: Path, tmp_path: Path) -> None:
    stop(folder, tmp_path, "rounds")
    said: list[str] = []
    options = config(folder, methods="popularity,feature", seeds=1)
    execute(options, tmp_path, runner=RUNNER, say=said.append, force=True)
    assert {"branch: popularity", "pretrain"} <= set(said)
